//! A small root struct through every layer, and everything that is refused.

use std::io::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, Invalid, LogSection, Origin, Problem, Secret, Sources, Validate, load, reference};

/// A component's section.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Pump {
    /// How often, in milliseconds.
    #[schemars(range(min = 10, max = 60_000))]
    interval_ms: u64,
    /// Where.
    #[schemars(length(min = 1))]
    urls: Vec<String>,
    /// Which.
    sizes: Vec<u16>,
    /// Whether.
    eager: bool,
    /// How much.
    ratio: f64,
    /// The name.
    name: Option<String>,
    /// How one is let in.
    password: Option<Secret>,
    /// The address to bind.
    listen: std::net::SocketAddr,
}

impl Default for Pump {
    fn default() -> Self {
        Self {
            interval_ms: 100,
            urls: vec!["a://one".into()],
            sizes: vec![],
            eager: false,
            ratio: 0.5,
            name: None,
            password: None,
            listen: "127.0.0.1:80".parse().unwrap(),
        }
    }
}

/// A number, or several.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Parts {
    One(u16),
    Several(Vec<u16>),
}

impl Default for Parts {
    fn default() -> Self {
        Self::One(1)
    }
}

/// One of many, by name.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Valve {
    /// How wide.
    width: u16,
    /// The labels.
    labels: std::collections::BTreeMap<String, String>,
}

/// All of it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Root {
    /// Where events live.
    log: LogSection,
    /// Moves | things.
    pump: Pump,
    /// In how many parts.
    parts: Parts,
    /// By name.
    valves: std::collections::BTreeMap<String, Valve>,
}

impl Validate for Root {
    fn validate(&self) -> Result<(), Invalid> {
        if self.pump.eager && self.pump.name.is_none() {
            return Err(Invalid::new("eager", true, "a name beside it").within("pump"));
        }
        Ok(())
    }
}

fn run(file: &str, environment: &[(&str, &str)], sets: &[(&str, &str)]) -> Result<Root, Error> {
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    };
    let sets = own(sets);
    let sources = Sources { file: Some(toml.path()), sets: &sets };
    load(sources, own(environment).into_iter())
}

fn problems(result: Result<Root, Error>) -> Vec<Problem> {
    match result {
        Err(Error::Invalid(problems)) => problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_given_gives_the_defaults() {
    assert_eq!(load::<Root>(Sources::default(), std::iter::empty()).unwrap(), Root::default());
}

#[test]
fn each_layer_overrides_the_one_before() {
    let file =
        "[log]\nbackend = 'nats'\n[pump]\ninterval_ms = 20\nratio = 1\nname = 'file'\nurls = ['b://x']";
    let environment = [
        ("RUNBUS_PUMP__INTERVAL_MS", "30"),
        ("RUNBUS_PUMP__URLS", "c://1, c://2"),
        ("RUNBUS_PUMP__SIZES", "1,2"),
        ("RUNBUS_PUMP__EAGER", "true"),
        ("RUNBUS_PUMP__NAME", ""),
        ("RUNBUS_PUMP__PASSWORD", "p,w"),
        ("RUNBUS_CONFIG", "x"),
        ("HOME", "/"),
    ];
    let root =
        run(file, &environment, &[("pump.interval_ms", "40"), ("pump.sizes", "[7]"), ("pump.ratio", "0.25")]);
    let pump = root.unwrap().pump;
    assert_eq!((pump.interval_ms, pump.ratio, pump.eager), (40, 0.25, true));
    assert_eq!((pump.urls, pump.sizes), (vec!["c://1".into(), "c://2".into()], vec![7]));
    assert_eq!((pump.name.as_deref(), pump.password), (Some("file"), Some(Secret::new("p,w"))));
}

#[test]
fn refusals_name_key_value_range_and_origin() {
    let cases: &[(&str, &str, Option<&str>, &str)] = &[
        ("pump.interval_ms", "5", Some("5"), "expected an integer from 10 to 60000"),
        ("pump.interval_ms", "soon", Some("\"soon\""), "expected an integer from 10 to 60000"),
        ("pump.interval_ms", "20.0", Some("\"20.0\""), "expected an integer from 10 to 60000"),
        ("pump.eager", "yes", Some("\"yes\""), "expected true or false"),
        ("pump.ratio", "inf", Some("\"inf\""), "expected a number"),
        ("pump.urls", "", Some("[]"), "expected a list of at least 1 items"),
        ("log.backend", "kafka", Some("\"kafka\""), "expected one of \"embedded\", \"nats\""),
        ("pump.listen", "here", Some("\"here\""), "invalid socket address syntax"),
        ("log.backends", "nats", None, "unknown key; known here: log.backend"),
        ("dog.x", "1", None, "unknown key; known here: log, parts, pump, valves"),
    ];
    for (key, text, value, expected) in cases {
        let found = problems(run("", &[], &[(key, text)]));
        let want = Problem {
            key: (*key).into(),
            value: value.map(Into::into),
            expected: (*expected).into(),
            origin: Origin::Flag,
        };
        assert_eq!(found, [want], "{key} = {text}");
    }
}

#[test]
fn each_origin_is_named_and_all_problems_are_reported() {
    let environment = [("RUNBUS_PUMP__SIZES", "1,70000"), ("RUNBUS_PUMPS__X", "1")];
    let found = problems(run("[pump]\ninterval_ms = '20'\nzeal = 1\n[x]", &environment, &[]));
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        text[0].starts_with("RUNBUS_PUMPS__X (environment RUNBUS_PUMPS__X): unknown variable"),
        "{text:?}"
    );
    let all = text.join("\n");
    assert!(all.contains("pump.interval_ms = \"20\" (file /"), "{all}");
    assert!(all.contains("pump.zeal (file /"), "{all}");
    assert!(all.contains("x (file /"), "{all}");
    let sizes = "pump.sizes[1] = 70000 (environment RUNBUS_PUMP__SIZES): expected an integer from 0 to 65535";
    assert!(all.contains(sizes), "{all}");
}

#[test]
fn variables_of_other_programs_do_not_stop_the_start() {
    for name in [
        "RUNBUS_CONFIG",
        "RUNBUS_TOOLS_DIR",
        "RUNBUS_SERVICE_HOST",
        "RUNBUS_SERVICE_PORT_HTTP",
        "RUNBUS_PORT",
        "RUNBUS_PORT_7070_TCP_ADDR",
        "RUNBUS_PUMP_SERVICE_HOST",
        "RUNBUS_PUMP_PORT",
        "RUNBUS_",
    ] {
        run("", &[(name, "tcp://10.0.0.1:7070")], &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_key_with_one_underscore_is_refused_and_the_right_name_is_given() {
    let found = problems(run("", &[("RUNBUS_PUMP_INTERVAL_MS", "30")], &[]));
    let text = found[0].to_string();
    assert!(text.contains("write RUNBUS_PUMP__INTERVAL_MS, with two underscores"), "{text}");
}

#[test]
fn contradictions_are_refused_with_their_origin() {
    let found = problems(run("", &[("RUNBUS_PUMP__EAGER", "true")], &[]));
    assert_eq!(
        found[0].to_string(),
        "pump.eager = true (environment RUNBUS_PUMP__EAGER): expected a name beside it"
    );
}

#[test]
fn secrets_are_never_shown() {
    let found = problems(run("[pump]\npassword = 123456", &[], &[]));
    assert_eq!(found[0].value.as_deref(), Some("***"));
    let root = run("", &[], &[("pump.password", "hidden")]).unwrap();
    assert!(!format!("{root:?}{}", serde_json::to_string(&root).unwrap()).contains("hidden"));
}

#[test]
fn a_missing_or_broken_file_is_an_error() {
    let sources = Sources { file: Some("/nonexistent/x.toml".as_ref()), ..Sources::default() };
    assert!(matches!(load::<Root>(sources, std::iter::empty()), Err(Error::File { .. })));
    let broken = run("[pump]\npassword = hunter2\n", &[], &[]).unwrap_err();
    assert!(matches!(broken, Error::Syntax { .. }), "{broken:?}");
    let text = broken.to_string();
    assert!(text.contains("line 2") && !text.contains("hunter"), "{text}");
}

#[test]
fn the_reference_lists_every_key() {
    let page = reference::<Root>();
    for line in [
        "## `[log]`\n\nWhere events live.\n",
        "| `backend` | choice | `\"embedded\"` | one of \"embedded\", \"nats\" | The backend of the log",
        "## `[pump]`\n\nMoves | things.\n",
        "| `interval_ms` | integer, ms | `100` | from 10 to 60000 | How often, in milliseconds. | `RUNBUS_PUMP__INTERVAL_MS` |",
        "| `sizes` | list of integers | `[]` |  | Which. | `RUNBUS_PUMP__SIZES` |",
        "| `password` | secret string | not set |  | How one is let in. |",
    ] {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_value_or_a_refusal(key in "[a-z_]{0,6}(\\.[a-z_]{0,6})?|pump\\.[a-z_]+|log.backend", text in ".{0,20}") {
        let sets = [(key, text)];
        let _ = load::<Root>(Sources { sets: &sets, ..Sources::default() }, std::iter::empty());
        let name = format!("RUNBUS_{}", sets[0].0.to_uppercase().replace('.', "__"));
        let _ = load::<Root>(Sources::default(), [(name, sets[0].1.clone())].into_iter());
    }
}

#[test]
fn a_value_of_several_forms_is_read_in_each_layer() {
    for (text, wanted) in
        [("8", Parts::One(8)), ("[4, 8]", Parts::Several(vec![4, 8])), ("4,8", Parts::Several(vec![4, 8]))]
    {
        assert_eq!(run("", &[("RUNBUS_PARTS", text)], &[]).unwrap().parts, wanted, "{text}");
        assert_eq!(run("", &[], &[("parts", text)]).unwrap().parts, wanted, "{text}");
    }
    assert_eq!(run("parts = [4, 8]", &[], &[]).unwrap().parts, Parts::Several(vec![4, 8]));
    let wrong = problems(run("", &[], &[("parts", "many")]));
    assert_eq!((wrong[0].key.as_str(), wrong[0].origin.clone()), ("parts", Origin::Flag));
    assert!(wrong[0].expected.contains("an integer from 0 to 65535, or a list"), "{}", wrong[0]);
}

#[test]
fn tables_by_name_are_set_whole_or_key_by_key() {
    let file = "[valves.in]\nwidth = 1\n[valves.out]\nwidth = 2";
    let variables = [("RUNBUS_VALVES__IN__WIDTH", "3"), ("RUNBUS_VALVES__NEW__LABELS__Color", "red")];
    let sets =
        [("valves.out.labels.a-b", "x"), ("valves", r#"{"last": {"width": 9}}"#), ("valves.last.width", "5")];
    let valves = run(file, &variables, &sets).unwrap().valves;
    let widths: Vec<_> = valves.iter().map(|(name, valve)| (name.as_str(), valve.width)).collect();
    assert_eq!(widths, [("in", 3), ("last", 5), ("new", 0), ("out", 2)]);
    assert_eq!(valves["new"].labels["Color"], "red");
    assert_eq!(valves["out"].labels["a-b"], "x");
    for (sets, wanted) in [("valves.in.depth", "valves.in.depth"), ("valves.", "valves.")] {
        assert_eq!(problems(run("", &[], &[(sets, "1")]))[0].key, wanted);
    }
    let wrong = problems(run("", &[("RUNBUS_VALVES__IN__WIDTH", "wide")], &[]));
    assert_eq!(wrong[0].key, "valves.in.width");
    assert!(matches!(&wrong[0].origin, Origin::Environment(name) if name.ends_with("WIDTH")), "{}", wrong[0]);
}

#[test]
fn every_secret_can_be_a_file_in_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("one"), folder.path().join("two"));
    std::fs::write(&file, "of the file\n").unwrap();
    std::fs::write(&other, " \n").unwrap();
    let shown = |path: &std::path::Path| path.display().to_string();
    let set = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let load = |environment: Vec<(String, String)>, sets: &[(String, String)]| {
        load::<Root>(Sources { file: None, sets }, environment.into_iter())
    };
    let by_flag = load(Vec::new(), &set("pump.password_file", &shown(&file))).unwrap();
    let by_variable = load(set("RUNBUS_PUMP__PASSWORD_FILE", &shown(&file)), &[]).unwrap();
    for loaded in [by_flag, by_variable] {
        assert_eq!(&*loaded.pump.password.unwrap().reveal(), "of the file");
    }
    let both = [set("pump.password", "a"), set("pump.password_file", &shown(&file))].concat();
    for (sets, expected) in [
        (both, "not both"),
        (set("pump.password_file", &shown(&other)), "is empty"),
        (set("pump.password_file", "/nowhere"), "No such file"),
    ] {
        let error = load(Vec::new(), &sets).unwrap_err().to_string();
        assert!(error.contains("pump.password_file") && error.contains(expected), "{error}");
    }
    let page = reference::<Root>();
    assert!(page.contains("| `password_file` |") && page.contains("RUNBUS_PUMP__PASSWORD_FILE"), "{page}");
}
