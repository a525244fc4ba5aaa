//! The file format of recordings.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::Kind;
use crate::model::quirks::Quirks;

/// A recorded conversation, the content of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Its name: that of its file.
    pub name: String,
    /// Where it comes from.
    #[serde(default)]
    pub provenance: Value,
    /// The API that was spoken. Not set: OpenAI's chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Kind>,
    /// The client that asked, where Runbus recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// Requests and responses, in order.
    pub interactions: Vec<Interaction>,
}

/// All that makes a client ask as the recorded one did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// The provider's name.
    pub provider: String,
    /// The API that it speaks; in a file it stands beside the client.
    #[serde(skip, default = "chat")]
    pub api: Kind,
    /// Whether it answered where a definition named nobody.
    #[serde(default)]
    pub default: bool,
    /// The model of requests that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its quirks.
    #[serde(default)]
    pub quirks: Quirks,
    /// Fields of every request.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Value>,
}

/// One request and its response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// The path of the address that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The JSON body that was sent.
    pub request: Value,
    /// The response's HTTP status.
    pub status: u16,
    /// The response's content type.
    pub content_type: String,
    /// The service's id of the request, where a header has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The response's body, exactly as it was sent.
    pub body: String,
    /// Whether the connection broke behind the body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broken: bool,
}

/// The API of recordings that name none.
const fn chat() -> Kind {
    Kind::Openai
}

impl Client {
    /// A client of which only its API is known.
    #[must_use]
    pub fn unknown(api: Kind) -> Self {
        Self {
            provider: api.name().to_owned(),
            api,
            default: false,
            model: None,
            quirks: Quirks::default(),
            extra_body: Map::new(),
        }
    }
}

impl Recording {
    /// The client that asked.
    #[must_use]
    pub fn client(&self) -> Client {
        let api = self.api.unwrap_or_else(chat);
        self.client.clone().map_or_else(|| Client::unknown(api), |client| Client { api, ..client })
    }
}
