//! `runbus definitions`: the agents and graphs that workers have.

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::render::short;

/// Lists the agents and graphs that workers have, or shows one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  runbus definitions\n  runbus definitions council --json | jq .edges")]
pub(crate) struct Definitions {
    /// The agent or graph to show; absent: all are listed.
    name: Option<String>,
}

impl Definitions {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        if let Some(name) = self.name {
            return show(global, &reach.definition(&name).await?);
        }
        let all = reach.definitions().await?;
        if global.json {
            all.iter().try_for_each(output::json)?;
            return Ok(Code::Ok);
        }
        if all.is_empty() {
            output::line("no worker is at work: nothing is known of definitions")?;
            return Ok(Code::Negative);
        }
        let rows = all.iter().map(|found| {
            let description = short(&found.description);
            [
                found.name.clone(),
                found.kind.clone(),
                found.nodes.to_string(),
                found.workers.to_string(),
                description,
            ]
        });
        output::table(Some(["definition", "kind", "nodes", "workers", "description"]), rows)?;
        Ok(Code::Ok)
    }
}

fn show(global: &Global, found: &runbus::control::definitions::Definition) -> Result<Code, Error> {
    if global.json {
        output::json(found)?;
        return Ok(Code::Ok);
    }
    output::line(&format!("{} ({}): {}", found.name, found.kind, short(&found.description)))?;
    let rows = found.nodes.iter().map(|node| {
        let follow = found.edges.iter().filter(|edge| edge.from == node.id).flat_map(|edge| edge.to.clone());
        let follow: Vec<String> = follow.collect();
        [node.id.clone(), node.kind.clone(), node.tools.join(","), follow.join(",")]
    });
    output::table(Some(["node", "type", "tools", "then"]), rows)?;
    output::line(&format!("input {}", short(&found.input_schema.to_string())))?;
    Ok(Code::Ok)
}
