//! Guards: no covered call runs, for any names, any lists, and any changes of a server meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::prelude::*;
use runbus::pattern::Patterns;
use runbus::session::ToolCall;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::tool::{
    Approval, Error, Function, Invocation, Listing, Need, Refusal, Registry, Scope, Source, Spec, Tool,
};
use serde_json::{Value, json};

use super::mcp::kit::approved;

const PREFIX: &str = "shop__";

/// A tool of the server that counts its runs. It looks at its guards before it acts, as tools of servers do.
#[derive(Debug)]
struct Counted {
    spec: Spec,
    approval: Approval,
    runs: Arc<AtomicUsize>,
    before: Arc<Mutex<Option<Shelf>>>,
    shop: Shop,
}

#[async_trait]
impl Tool for Counted {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn approval(&self) -> Approval {
        self.approval
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        // Another version of the server answers the first time.
        if let Some(other) = self.before.lock().unwrap().take() {
            *self.shop.0.lock().unwrap() = other;
        }
        invocation.still_cleared()?;
        self.runs.fetch_add(1, Ordering::SeqCst);
        Ok("done".into())
    }
}

/// The tools of a server.
#[derive(Debug, Clone)]
struct Shelf {
    names: Vec<String>,
    guarded: Vec<String>,
    listing: Listing,
}

/// A server whose tools change.
#[derive(Debug, Clone)]
struct Shop(Arc<Mutex<Shelf>>, Arc<AtomicUsize>, Arc<Mutex<Option<Shelf>>>);

impl Shop {
    fn new(shelf: Shelf) -> Self {
        Self(Arc::new(Mutex::new(shelf)), Arc::default(), Arc::default())
    }

    fn tool(&self, name: &str, approval: Approval) -> Arc<dyn Tool> {
        let spec =
            Spec { name: name.into(), description: String::new(), parameters: json!({"type": "object"}) };
        let (runs, before, shop) = (self.1.clone(), self.2.clone(), self.clone());
        Arc::new(Counted { spec, approval, runs, before, shop })
    }

    fn runs(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl Source for Shop {
    fn prefix(&self) -> &str {
        PREFIX
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        let shelf = self.0.lock().unwrap();
        let approval = |name| {
            if shelf.guarded.contains(name) { Approval::Always } else { Approval::Never }
        };
        shelf.names.iter().map(|name| self.tool(name, approval(name))).collect()
    }

    fn listing(&self) -> Listing {
        self.0.lock().unwrap().listing.clone()
    }

    fn absent(&self, name: &str) -> Arc<dyn Tool> {
        self.tool(name, Approval::Never)
    }
}

/// The definition of a match, without a thought for time.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=name.len()).any(|taken| covers(rest, &name[taken..]))
        }
        Some(letter) => name.strip_prefix(letter).is_some_and(|left| covers(&pattern[1..], left)),
    }
}

fn call(name: &str, arguments: &Value) -> ToolCall {
    ToolCall::new("c", name, arguments.to_string())
}

fn registry(shop: &Shop, runs: &Arc<AtomicUsize>) -> Registry {
    let mut registry = Registry::new();
    for name in ["clock", "order", "shelf"] {
        let runs = runs.clone();
        let run = move |_: Value| {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Error>("done") }
        };
        registry = registry.with(Function::new(name, "", run)).unwrap();
    }
    registry.with_source(shop.clone()).unwrap()
}

fn shelf() -> impl Strategy<Value = Shelf> {
    let some =
        || prop::sample::subsequence(vec!["shop__order", "shop__list", "shop__o", "shop__refund"], 0..=4);
    let listing = prop_oneof![
        3 => Just(Listing::Checked),
        1 => Just(Listing::Unknown),
        1 => Just(Listing::Faulty("a guard covers none".into())),
    ];
    (some(), some(), listing).prop_map(|(names, guarded, listing)| {
        let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Shelf { names: own(names), guarded: own(guarded), listing }
    })
}

fn list() -> impl Strategy<Value = Vec<String>> {
    let one = prop_oneof![
        prop::sample::select(vec![
            "shop__*",
            "*",
            "*order",
            "shop__o*",
            "s*o*r",
            "clock",
            "order",
            "shop__order",
            "shop__oder",
            "Shop__*",
            "shop__refund",
            "oder",
            "sh*f",
            "*_l*t",
        ])
        .prop_map(str::to_owned),
        "[shop_*ored]{1,8}",
    ];
    let one = one.prop_filter("a pattern", |text| Patterns::parse([text.as_str()]).is_ok());
    prop::collection::vec(one, 0..4)
}

/// Whether a guard covers a call, as the documentation says it.
fn is_guarded(shelf: &Shelf, tools: &[String], approve: &[String], name: &str) -> bool {
    let of_shop = name.starts_with(PREFIX);
    if approve.iter().any(|pattern| covers(pattern, name)) {
        return true;
    }
    if of_shop && (shelf.listing != Listing::Checked || shelf.guarded.iter().any(|tool| tool == name)) {
        return true;
    }
    // A guard that covers nothing guards all that it may be meant for.
    let fixed = ["clock", "order", "shelf"];
    let all = fixed.into_iter().chain(shelf.names.iter().map(String::as_str));
    let mine: Vec<&str> = all.filter(|name| tools.iter().any(|tool| covers(tool, name))).collect();
    let idle = approve.iter().filter(|pattern| !mine.iter().any(|name| covers(pattern, name)));
    // It may be meant for the shop when some name that begins so is covered: tried by each way to split it.
    let for_shop = |pattern: &str| {
        (0..=pattern.len()).any(|end| covers(&pattern[..end], PREFIX))
            || pattern.match_indices('*').any(|(at, _)| covers(&pattern[..=at], PREFIX))
    };
    idle.into_iter().any(|pattern| of_shop || !for_shop(pattern))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_call_runs_that_a_guard_covers(
        first in shelf(), then in shelf(), tools in list(), approve in list(),
        name in prop::sample::select(vec![
            "clock", "order", "shelf", "shop__order", "shop__list", "shop__o", "shop__refund", "shop__oder", "Order",
        ]),
        // When the server changes: not at all, after the call is cleared, while it is on its way.
        moment in 0..3,
    ) {
        let (shop, runs) = (Shop::new(first.clone()), Arc::new(AtomicUsize::new(0)));
        let scope = registry(&shop, &runs)
            .scope(Patterns::parse(&tools).unwrap(), Patterns::parse(&approve).unwrap());
        let block = |future| tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future);
        let arguments = json!({"n": 1});
        let cleared = scope.clear(&call(name, &arguments), None);
        prop_assert!(!(cleared.is_ok() && is_guarded(&first, &tools, &approve, name)), "{} is cleared", name);
        let listed = tools.iter().any(|tool| covers(tool, name));
        let unknown = matches!(cleared, Err(Refusal::Error(Error::Unknown { .. })));
        prop_assert!(listed || unknown);
        let Ok(permit) = cleared else { return Ok(()) };
        match moment {
            1 => *shop.0.lock().unwrap() = then.clone(),
            2 => *shop.2.lock().unwrap() = Some(then.clone()),
            _ => {}
        }
        let outcome = block(Box::pin(permit.run("key")));
        let ran = runs.load(Ordering::SeqCst) + shop.runs();
        // A tool of the program looks no second time: nothing of its own can change while it runs.
        let changed = moment == 1 || (moment == 2 && name.starts_with(PREFIX));
        if changed && is_guarded(&then, &tools, &approve, name) {
            let there = !name.starts_with(PREFIX) || then.names.iter().any(|tool| tool == name)
                || then.listing == Listing::Unknown;
            prop_assert!(ran == 0 || !there, "{:?} after the change", outcome);
        } else {
            prop_assert_eq!(ran, 1, "{:?}", outcome);
        }
    }

    #[test]
    fn an_approval_is_for_one_call_with_its_arguments(
        tool in prop::sample::select(vec!["shop__order", "order"]), n in 0..3, m in 0..3,
        other in prop::sample::select(vec!["shop__order", "order"]), id in prop::sample::select(vec!["c", "d"]),
    ) {
        let shelf = Shelf { names: vec!["shop__order".into()], guarded: Vec::new(), listing: Listing::Checked };
        let scope = registry(&Shop::new(shelf), &Arc::default())
            .scope(Patterns::all(), Patterns::parse(["*order"]).unwrap());
        let asked = approved(&call(tool, &json!({"n": n})), json!({"n": n}));
        let wanted = ToolCall { id: id.into(), ..call(other, &json!({"n": m})) };
        let same = tool == other && n == m && id == "c";
        prop_assert_eq!(scope.clear(&wanted, Some(&asked)).is_ok(), same);
    }
}

fn scope(shop: &Shop, tools: &[&str], approve: &[&str]) -> Scope {
    registry(shop, &Arc::default())
        .scope(Patterns::parse(tools.to_vec()).unwrap(), Patterns::parse(approve.to_vec()).unwrap())
}

#[test]
fn reported_tools_are_guarded() {
    let names = vec!["shop__order".to_owned(), "shop__list".to_owned()];
    let shop = Shop::new(Shelf { names, guarded: Vec::new(), listing: Listing::Checked });
    for (tools, approve, order, list) in [
        (["shop__*"], ["shop__*"], true, true),
        (["shop__*"], ["shop__order"], true, false),
        (["*"], ["*order"], true, false),
        // A misspelt guard covers nothing: it is refused at load, and guards everything until then.
        (["shop__*"], ["shop__oder"], true, true),
    ] {
        let scope = scope(&shop, &tools, &approve);
        let guarded = ["shop__order", "shop__list"].map(|name| scope.need(name).is_some());
        assert_eq!(guarded, [order, list], "{tools:?} {approve:?}");
        assert_eq!(scope.check().is_err(), approve == ["shop__oder"]);
    }
}

#[test]
fn tools_that_are_not_known_yet_need_an_approval() {
    let shop = Shop::new(Shelf { names: Vec::new(), guarded: Vec::new(), listing: Listing::Unknown });
    let scope = scope(&shop, &["shop__*", "clock"], &[]);
    scope.check().unwrap();
    assert_eq!(scope.need("shop__order"), Some(Need::Unknown { prefix: PREFIX.into() }));
    assert_eq!(scope.need("clock"), None);
    // One that appears later is looked at by the same rules.
    let names = vec!["shop__order".to_owned()];
    *shop.0.lock().unwrap() = Shelf { guarded: names.clone(), names, listing: Listing::Checked };
    assert_eq!(scope.need("shop__order"), Some(Need::Tool));
}

#[test]
fn a_definition_whose_lists_cover_nothing_is_refused_when_the_tools_are_known() {
    let names = vec!["shop__order".to_owned()];
    let shop = Shop::new(Shelf { names, guarded: Vec::new(), listing: Listing::Unknown });
    let registry = registry(&shop, &Arc::default());
    let load = |text: &str| {
        let mut definitions = Definitions::default();
        definitions.add(Definition::parse("a.yaml", text).unwrap()).unwrap();
        definitions.check_tools(&registry).map_err(|error| error.to_string())
    };
    let agent = "{kind: agent, name: a, tools: ['shop__*'], approve: [shop__oder]}";
    let misspelt = "{kind: agent, name: a, tools: [shop__oder]}";
    let graph = "{kind: graph, name: g, entry: n, nodes: {n: {type: tool, tool: shop__oder}}}";
    let node = "{kind: graph, name: g, entry: n, nodes: {n: {type: agent, tools: ['s*'], approve: ['*x']}}}";
    for text in [agent, misspelt, graph, node] {
        load(text).unwrap();
    }
    shop.0.lock().unwrap().listing = Listing::Checked;
    for (text, at) in [
        (agent, "a: approve[0]: \"shop__oder\" covers no tool; the tools are: shop__order"),
        (misspelt, "a: tools[0]: \"shop__oder\" covers no tool"),
        (graph, "g: nodes.n.tools[0]: \"shop__oder\" covers no tool"),
        (node, "g: nodes.n.approve[0]: \"*x\" covers no tool; the tools are: shelf, shop__order"),
        ("{kind: agent, name: a, tools: [clokc]}", "a: tools[0]: \"clokc\" covers no tool"),
    ] {
        let refused = load(text).unwrap_err();
        assert!(refused.starts_with(at), "{refused}");
    }
}

#[test]
fn a_pattern_grants_no_child_of_another_node() {
    let text = "{kind: graph, name: g, entry: a, edges: [{from: a, to: b}], nodes: {
        a: {type: agent, tools: ['*']},
        b: {type: agent, subagents: [{name: child, definition: g}]}}}";
    let mut definitions = Definitions::default();
    definitions.add(Definition::parse("g.yaml", text).unwrap()).unwrap();
    let shop = Shop::new(Shelf { names: Vec::new(), guarded: Vec::new(), listing: Listing::Checked });
    let scopes = definitions.get("g").unwrap().scopes(&registry(&shop, &Arc::default()));
    let names = |node: &str| {
        let node = runbus::id::NodeId::new(node).unwrap();
        scopes.of(&node).specs().into_iter().map(|spec| spec.name).collect::<Vec<_>>()
    };
    assert_eq!(names("a"), ["clock", "order", "shelf"]);
    assert_eq!(names("b"), ["child"]);
    assert!(names("c").is_empty());
}

/// A server with many tools.
#[derive(Debug)]
struct Many {
    prefix: &'static str,
    tools: Arc<[Arc<dyn Tool>]>,
}

impl Many {
    fn new(prefix: &'static str, count: usize) -> Self {
        let tool = |number: usize| -> Arc<dyn Tool> {
            Arc::new(Function::new(format!("{prefix}{number:03}"), "x", async |_: Value| Ok("x")))
        };
        Self { prefix, tools: (0..count).map(tool).collect() }
    }
}

impl Source for Many {
    fn prefix(&self) -> &str {
        self.prefix
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    fn listing(&self) -> Listing {
        Listing::Checked
    }

    fn absent(&self, _: &str) -> Arc<dyn Tool> {
        self.tools[0].clone()
    }
}

/// How many tools of each server a model gets.
fn shares(registry: &Registry, tools: &[&str]) -> (usize, usize) {
    let scope = registry.scope(Patterns::parse(tools.to_vec()).unwrap(), Patterns::default());
    let names: Vec<String> = scope.specs().into_iter().map(|spec| spec.name).collect();
    assert!(names.is_sorted());
    (
        names.iter().filter(|name| name.starts_with("a__")).count(),
        names.iter().filter(|name| name.starts_with("b__")).count(),
    )
}

#[test]
fn the_order_of_the_list_decides_which_tools_a_model_gets() {
    let registry = Registry::new()
        .with_source(Many::new("a__", 200))
        .unwrap()
        .with_source(Many::new("b__", 100))
        .unwrap();
    assert_eq!(shares(&registry, &["a__*", "b__*"]), (128, 0));
    assert_eq!(shares(&registry, &["b__*", "a__*"]), (28, 100));
    assert_eq!(shares(&registry, &["b__001", "a__*", "b__*"]), (127, 1));
    // One pattern says nothing about them: they share the room.
    assert_eq!(shares(&registry, &["*"]), (64, 64));
    assert_eq!(shares(&registry, &["b__*"]), (0, 100));
}

#[test]
fn a_definition_that_asks_for_more_tools_than_a_model_takes_is_refused_with_the_names() {
    let registry = Registry::new()
        .with_source(Many::new("a__", 100))
        .unwrap()
        .with_source(Many::new("b__", 30))
        .unwrap();
    let load = |tools: &str| {
        let mut definitions = Definitions::default();
        let text = format!("kind: agent\nname: x\ntools: [{tools}]\n");
        definitions.add(Definition::parse("x", &text).unwrap()).unwrap();
        definitions.check_tools(&registry).map_err(|error| error.to_string())
    };
    load("\"a__*\", b__001, b__002").unwrap();
    let refused = load("\"b__*\", \"a__*\"").unwrap_err();
    assert!(
        refused.starts_with("x: tools: 130 tools are more than the limit of 128 for one model"),
        "{refused}"
    );
    assert!(refused.contains(": a__098, a__099;"), "{refused}");
    let refused = load("\"a__*\", \"b__*\"").unwrap_err();
    assert!(refused.contains(": b__028, b__029;"), "{refused}");
    // The same for names, before any tool is known.
    for (count, wanted) in [(130, ": t128, t129; name fewer"), (150, ", t142, t143 and 6 more; name fewer")] {
        let names: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
        let text = format!("kind: agent\nname: x\ntools: [{}]\n", names.join(", "));
        let refused = Definition::parse("x", &text).unwrap_err().to_string();
        let begins = format!("x: tools: {count} are more than the limit of 128");
        assert!(refused.starts_with(&begins) && refused.contains(wanted), "{refused}");
    }
}
