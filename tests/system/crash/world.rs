//! The world that tools act on: it counts what was done, by idempotency key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use runbus_workers::tool::{Approval, Error, Invocation, Spec, Tool};

/// The actions, and how often each was done.
#[derive(Debug, Default)]
pub struct World(Mutex<BTreeMap<String, u32>>);

impl World {
    /// How often something was done, by key.
    pub fn done(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap().clone()
    }
}

/// How a tool behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A call of it may be repeated.
    Safe,
    /// A call of it must not be repeated.
    Unsafe,
    /// Unsafe, and a person must agree.
    Guarded,
    /// Safe, and it never ends.
    Endless,
}

/// A tool that acts on the world. Its name is the beginning of its keys there.
#[derive(Debug)]
pub struct Act {
    spec: Spec,
    nature: Nature,
    world: Arc<World>,
}

impl Act {
    pub fn new(name: &str, nature: Nature, world: &Arc<World>) -> Self {
        let parameters = serde_json::json!({ "type": "object" });
        let spec = Spec { name: name.into(), description: String::new(), parameters };
        Self { spec, nature, world: world.clone() }
    }
}

#[async_trait]
impl Tool for Act {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn safe_to_repeat(&self) -> bool {
        matches!(self.nature, Nature::Safe | Nature::Endless)
    }

    fn approval(&self) -> Approval {
        if self.nature == Nature::Guarded { Approval::Always } else { Approval::Never }
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let key = format!("{} {}", self.spec.name, invocation.idempotency_key);
        *self.world.0.lock().unwrap().entry(key).or_default() += 1;
        if self.nature == Nature::Endless {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        Ok(format!("{} done with {}", self.spec.name, invocation.arguments))
    }
}
