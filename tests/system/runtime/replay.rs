//! An agent with tools is recorded against a provider, and played without it: readers get the same events.

use runbus::event::Kind;
use runbus_workers::model::recorded::Recording;
use runbus_workers::model_section::Config;
use runbus_workers::recording::{Matching, Options, Server};
use runbus_workers::tool::{Error, Invocation, Spec, Tool};
use serde_json::{Value, json};

use super::kit::{Crew, Stage, on_each, show};

/// Answers with its name and its arguments.
#[derive(Debug)]
struct Weather(Spec);

#[async_trait::async_trait]
impl Tool for Weather {
    fn spec(&self) -> &Spec {
        &self.0
    }
    fn safe_to_repeat(&self) -> bool {
        true
    }
    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        Ok(format!("{}: {}", self.0.name, invocation.arguments))
    }
}

fn crew(section: Value) -> Crew {
    let recording = Recording::load(&Recording::own_dir().join("parallel-tools.json")).unwrap();
    let tools = recording.interactions[0].request["tools"].as_array().unwrap().clone();
    let names: Vec<&Value> = tools.iter().map(|tool| &tool["function"]["name"]).collect();
    let definition = json!({"kind": "agent", "name": "clerk", "tools": names});
    let model = serde_json::from_value::<Config>(section).unwrap().build().unwrap();
    let crew = Crew::new().define(&definition).shared_model(model);
    tools.iter().fold(crew, |crew, tool| {
        let function = &tool["function"];
        crew.tool(Weather(Spec {
            name: function["name"].as_str().unwrap().into(),
            description: function["description"].as_str().unwrap_or_default().into(),
            parameters: function["parameters"].clone(),
        }))
    })
}

/// The events of an execution, without ids that each run makes anew. Results of tools that ran at the same time stand last, in one order.
async fn told(stage: &Stage, crew: &Crew, id: &str) -> Vec<(Kind, Value)> {
    let worker = crew.hire(stage);
    stage.start("clerk", id, "What is the weather?").await;
    let events = stage.story(id).await;
    worker.leave().await;
    assert_eq!(events.last().unwrap().kind, Kind::ExecutionCompleted);
    let told = events.iter().map(|event| {
        let mut data: Value = serde_json::from_str(&event.data.get().replace(id, "ID")).unwrap();
        data.as_object_mut()
            .unwrap()
            .retain(|name, _| !matches!(name.as_str(), "message_id" | "request_digest"));
        (event.kind.clone(), data)
    });
    let (mut results, mut told): (Vec<_>, Vec<_>) =
        told.partition(|(kind, _)| *kind == Kind::ToolCallCompleted);
    results.sort_by_key(|(_, data)| data.to_string());
    told.extend(results);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_recorded_is_played_without_its_provider_to_the_same_events() {
    on_each(async |stage| {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::load(&Recording::own_dir().join("parallel-tools.json")).unwrap();
        let options = Options { matching: Matching::Depth, ..Options::default() };
        let server = Server::start(recording, options).await.unwrap();
        let section = json!({"base_url": server.base_url(), "name": "m", "record": folder.path()});
        let recorded = told(&stage, &crew(section), "recorded").await;
        drop(server);
        show(&format!("{} events", recorded.len()));
        let section = json!({"provider": "replay", "replay": folder.path()});
        assert_eq!(told(&stage, &crew(section), "played").await, recorded);
    })
    .await;
}
