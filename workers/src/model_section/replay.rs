//! Recordings in place of providers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{Config, Error};
use crate::model::recorded::{Client, Folder, Player, Recording, Transport};
use crate::model::{Endpoint, Kind, Providers, Setup};

/// The address of clients that recordings answer. Nothing is sent to it.
const ADDRESS: &str = "http://replay.invalid/v1";

impl Config {
    /// The providers of the recordings in `folder`, each with the client that asked it. The default one is that which `name` begins with,
    /// else the one that was it when it was recorded, else the first by name.
    ///
    /// # Errors
    /// The folder cannot be played.
    pub(super) fn played(&self, folder: &Path) -> Result<Providers, Error> {
        let of = |error: &dyn std::fmt::Display| Error(format!("replay: {error}"));
        let folder = Folder::load(folder).map_err(|fault| of(&fault))?;
        let mut clients: BTreeMap<String, Client> = BTreeMap::new();
        for source in &folder.sources {
            let mut client = source.recording.client();
            client.model = client.model.or_else(|| first_model(&source.recording));
            clients.entry(client.provider.clone()).or_insert(client);
        }
        let named = self.name.as_deref().and_then(|name| name.split_once('/'));
        let named = named.filter(|(provider, model)| clients.contains_key(*provider) && !model.is_empty());
        let recorded = clients.values().find(|client| client.default).or_else(|| clients.values().next());
        let default = named.map(|(provider, _)| provider.to_owned());
        let default = default.or_else(|| recorded.map(|client| client.provider.clone())).unwrap_or_default();
        let mut standard = None;
        let mut others = Vec::new();
        for (provider, client) in clients {
            let is_default = provider == default;
            let model = match named {
                Some((_, model)) if is_default => Some(model.to_owned()),
                None if is_default && self.name.is_some() => self.name.clone(),
                _ => client.model,
            };
            let endpoint = Endpoint {
                base_url: ADDRESS.to_owned(),
                transport: Transport::Replayed(Arc::new(Player::new(&folder, &provider))),
                ..Endpoint::default()
            };
            let setup = Setup {
                provider: provider.clone(),
                endpoint,
                model,
                quirks: client.quirks,
                extra_body: client.extra_body,
                scripted: self.scripted()?,
            };
            let model = client.api.build(setup).map_err(|fault| of(&fault))?;
            let entry = self.providers.get(&provider).cloned().unwrap_or_default().entry(model);
            if is_default { standard = Some(entry) } else { others.push((provider, entry)) }
        }
        let standard = standard.ok_or_else(|| of(&"there is no recording"))?;
        let scripted = self.providers.iter().filter(|(name, section)| section.kind(name) == Kind::Scripted);
        for (name, section) in scripted {
            let setup = Setup { scripted: self.scripted()?, ..Setup::default() };
            others.push((name.clone(), section.build(name, setup, None, false)?));
        }
        Ok(others
            .into_iter()
            .fold(Providers::new(default, standard), |all, (name, entry)| all.with(name, entry)))
    }
}

/// The model of the first request: it stands in the body, or in the path (Gemini).
fn first_model(recording: &Recording) -> Option<String> {
    let first = recording.interactions.first()?;
    let path = || first.path.as_deref()?.rsplit('/').next()?.strip_suffix(":streamGenerateContent");
    first.request["model"].as_str().or_else(path).map(str::to_owned)
}
