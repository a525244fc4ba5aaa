//! The suites of the three ports.

use std::sync::{Arc, Mutex};

use super::open;
use crate::log::Log;
use crate::queue::Queue;
use crate::store::Store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log() {
    let folders = Mutex::new(Vec::new());
    crate::log::conformance::run(async || {
        let (embedded, folder) = open();
        folders.lock().unwrap().push(folder);
        let port: Arc<dyn Log> = embedded.log;
        port
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue() {
    let folders = Mutex::new(Vec::new());
    crate::queue::conformance::run(async || {
        let (embedded, folder) = open();
        folders.lock().unwrap().push(folder);
        let port: Arc<dyn Queue> = embedded.queue;
        port
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store() {
    let folders = Mutex::new(Vec::new());
    crate::store::conformance::run(async || {
        let (embedded, folder) = open();
        folders.lock().unwrap().push(folder);
        let port: Arc<dyn Store> = embedded.store;
        port
    })
    .await;
}
