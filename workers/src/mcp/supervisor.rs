//! The life of one server: start, serve, notice its death, start again.

use std::sync::Arc;

use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::client::{Listed, Session};
use super::limits::{CHECK_EVERY, CHECK_TIMEOUT, EXIT_GRACE, STABLE_AFTER};
use super::link::Link;
use super::pace::Pace;

/// Keeps a server up until `stop` is cancelled; then ends its process.
pub(super) async fn supervise(link: Arc<Link>, stop: CancellationToken) {
    let server = link.name().to_owned();
    let mut pace = Pace::default();
    loop {
        let Some(started) = stop.run_until_cancelled(Box::pin(start(&link))).await else { break };
        match started {
            Ok((mut session, tools)) => {
                tracing::info!(server, tools = tools.tools.len(), "MCP server is ready");
                let since = Instant::now();
                Box::pin(link.ready(session.connection(), tools.clone())).await;
                let lost = stop.run_until_cancelled(Box::pin(serve(&link, &mut session, tools))).await;
                if let Some(reason) = &lost {
                    tracing::warn!(server, reason, "MCP server is lost; it is started again");
                    link.lost(reason.clone());
                }
                session.close().await;
                if lost.is_none() {
                    break;
                }
                if since.elapsed() >= STABLE_AFTER {
                    pace.reset();
                }
            }
            Err(reason) => {
                tracing::warn!(server, reason, "MCP server does not start; it is tried again");
                link.failed(reason);
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(pace.next())).await.is_none() {
            break;
        }
        link.restarting();
    }
    link.stopped();
    tracing::debug!(server, "MCP server is stopped");
}

/// Starts it and lists its tools, within its limit.
async fn start(link: &Link) -> Result<(Session, Listed), String> {
    let server = link.server();
    let start = async {
        let session = Session::open(link.name(), server).await?;
        let tools = session.connection().tools(link.name()).await;
        match tools {
            Ok(tools) => Ok((session, tools)),
            Err(fault) => {
                session.close().await;
                Err(format!("its tools cannot be listed: {fault}"))
            }
        }
    };
    match timeout(server.start_timeout(), start).await {
        Ok(started) => started,
        Err(_elapsed) => Err(format!("it was not ready within {} ms", server.start_timeout_ms)),
    }
}

/// Watches a server that is up; returns why it is not any more.
async fn serve(link: &Arc<Link>, session: &mut Session, mut tools: Listed) -> String {
    let connection = session.connection().clone();
    let changed = session.changed();
    let mut check = interval_at(Instant::now() + CHECK_EVERY, CHECK_EVERY);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            reason = session.ended() => return reason,
            _ = check.tick() => {}
            () = changed.notified() => {}
            () = link.suspected() => {}
        }
        let listed = tokio::select! {
            reason = session.ended() => return reason,
            listed = timeout(CHECK_TIMEOUT, connection.tools(link.name())) => listed,
        };
        match listed {
            Ok(Ok(now)) if now == tools => {}
            Ok(Ok(now)) => {
                tracing::info!(
                    server = link.name(),
                    tools = now.tools.len(),
                    "MCP server has other tools now"
                );
                tools.clone_from(&now);
                Box::pin(link.ready(&connection, now)).await;
            }
            // How it ended says more than that it takes no message any more.
            Ok(Err(fault)) => {
                return timeout(EXIT_GRACE, session.ended())
                    .await
                    .unwrap_or_else(|_elapsed| fault.to_string());
            }
            // Each call is bounded by itself, and reports the server when it had no answer.
            Err(_elapsed) if link.is_busy() => {}
            Err(_elapsed) => return format!("no answer within {} s", CHECK_TIMEOUT.as_secs()),
        }
    }
}
