//! The OpenAPI document: the descriptions of endpoints, put together.
//!
//! - [`problem`]: the refusals of endpoints
//! - [`operation`]: the parameters and answers of an endpoint
//! - [`endpoint`]: an operation with its path, its rule and its handler, so that none exists without the others
//! - [`schemas`]: the schemas of bodies and answers, from the types
//! - [`document`]: all of it as one document
//! - [`catalogue`]: the endpoints with their document, to look up

pub mod catalogue;
pub mod document;
pub mod endpoint;
pub mod operation;
mod portable;
pub mod problem;
pub mod schemas;

pub use catalogue::Catalogue;
pub use document::Document;
pub use endpoint::Endpoint;
pub use operation::{Operation, Parameter};
pub use problem::Problem;
