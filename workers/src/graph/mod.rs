//! Agent and graph definitions: their file format, and the pure functions that run them.
//!
//! A [`Definition`] is read from YAML or JSON and is valid from then on. The next step of an execution is a function of
//! the definition and of the journal: [`Graph::route`], [`Template::render`],
//! [`Output::parse`]. Nothing here does I/O except [`Definition::load`].

mod agent;
mod builtin;
mod cycle;
mod definition;
mod fault;
mod fields;
mod flow;
mod fork;
mod judge;
pub mod limits;
mod model_options;
mod output;
mod route;
mod router;
mod spec;
mod template;
mod validate;

pub use agent::Agent;
pub use builtin::{BUILT_IN, built_in};
pub use definition::{Definition, schema};
pub use fault::{LoadFault, OutputFault, RouteFault};
pub use fields::Fields;
pub use flow::Graph;
pub use judge::{GoalStatus, Violation};
pub use output::Output;
pub use route::{Next, Step};
pub use spec::{
    AgentSpec, CompactionSpec, Constraint, Criterion, Edge, FieldSpec, FieldType, GoalSpec, GraphSpec,
    ModelOptions, Node, NodeType, OnViolation, SubagentTool, Targets, When,
};
pub use template::{Context, Template};
pub use validate::Fault as DefinitionFault;
