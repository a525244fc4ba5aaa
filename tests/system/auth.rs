//! Access to a gateway: every kind of credential accepted and refused, scopes, expiry, revocation over two gateways,
//! limits, TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use runbus::config::Secret;
use runbus::control::StartRequest;
use runbus::event::Source;
use runbus::event::family::model::TextDelta;
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::auth::config::{Algorithm, ApiKey, Config, Jwt, Limits, Mode, StreamTokens};
use runbus_gateway::auth::{api_key, stream_token};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::backends::{self, Backend};
use crate::client::{Client, PATIENCE, Served, config, secured};
use crate::sse::{Stream, http};

const SECRET: &str = "a shared secret of the tests, 32 bytes and more";
const STREAM_SECRET: &str = "a secret of stream tokens, of 32 bytes and more";
const RSA_PRIVATE: &[u8] = include_bytes!("keys/rsa-private.der");
const RSA_N: &str = "qOcKVWxlnUAWfJp_7zPOx1WL7kxnYa43TkHzp6GeGhkdqV8MneNTzVGqGSyM8KCc6GoDjszhy20wOA9Y88yt_sUA7LZT5aSr0GvDlSlhON0GkrrnW_l8Ly7BTvTW_LAZjIOoUEzG3i7dpiKsyB7z9HyQ1wXmItUWM9jXVfQNsN-j_uo1s-pUWlkC-k3nNNakK0e8sEYVVNYHpmushnZjMU1PgIGN0mIiNaruJSciVDYz_eqeCgVqLxbblNB-TwjG5tMre0U-DmGxa-H0z92H3B5UEIDGAILA2Vu-WJYTo9lyguUpuhWWKdL-6eu0XMXdD8_rRXSwmmtlGqRwBy0VRQ";

fn now() -> i64 {
    Clock::System.now().micros() / 1_000_000
}

fn join(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac(secret: &str) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    move |message| ring::hmac::sign(&key, message).as_ref().to_vec()
}

fn rsa(message: &[u8]) -> Vec<u8> {
    let key = RsaKeyPair::from_der(RSA_PRIVATE).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// The claims of the tests' tokens, with `with` merged over them; `null` removes a claim.
fn claims(with: Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.example", "aud": ["other", "runbus"], "sub": "alice", "jti": "token-1",
        "iat": now(), "exp": now() + 600, "scope": "openid read start:orders-*",
    });
    for (name, value) in with.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub fn hs(with: Value) -> String {
    jwt(SECRET, with)
}

/// A token that is signed with this secret, with some of its claims replaced.
pub fn jwt(secret: &str, with: Value) -> String {
    join(&json!({ "alg": "HS256", "typ": "JWT" }), &claims(with), hmac(secret))
}

pub fn key(scopes: &[&str]) -> (Secret, ApiKey) {
    let key = api_key::generate().unwrap();
    let sha256 = api_key::hash(&key.reveal());
    let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    (key, ApiKey { sha256, scopes, expires_at: None })
}

/// HS256 tokens, stream tokens and one key that may do everything.
pub fn auth() -> (Config, Secret) {
    let (root, entry) = key(&["*", "admin"]);
    let config = Config {
        mode: Mode::Required,
        api_keys: [("root".into(), entry)].into(),
        jwt: Jwt {
            algorithms: vec![Algorithm::HS256],
            hs256_secret: Some(Secret::new(SECRET)),
            issuer: Some("https://id.example".into()),
            audience: Some("runbus".into()),
            leeway_s: 0,
            jwks_floor_ms: 100,
            ..Jwt::default()
        },
        stream_tokens: StreamTokens { ttl_s: 300, secret: Some(Secret::new(STREAM_SECRET)) },
        ..Config::default()
    };
    (config, root)
}

async fn get(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> (u16, String) {
    let mut request = http().get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub async fn bearer(address: SocketAddr, path: &str, token: &str) -> (u16, String) {
    get(address, path, &[("authorization", &format!("Bearer {token}"))]).await
}

pub async fn post(address: SocketAddr, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = http().post(format!("http://{address}{path}")).bearer_auth(token).json(&body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn publish(backend: &Backend, stream: &str, execution: &str, n: usize) {
    let (stream, execution) = (StreamId::new(stream).unwrap(), ExecutionId::new(execution).unwrap());
    let source = Source::execution(stream, execution, Clock::System);
    let delta = TextDelta { content: n.to_string(), snapshot: None };
    backend.bus().publish(source.llm_text_delta(delta)).await.unwrap();
}

pub async fn end(served: Served) {
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_get_one_answer_for_every_fault() {
    let backend = backends::embedded();
    let (auth, root) = auth();
    let served = secured(&backend, config(), auth).await;
    let address = served.address;
    let header = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    let minted = post(address, "/v1/auth/tokens", &root.reveal(), json!({ "scopes": ["read"] })).await.1;
    let minted = minted["token"].as_str().unwrap().to_owned();

    let good = hs(json!({}));
    for (token, word) in [(good.as_str(), "token"), (&*root.reveal(), "key"), (&minted, "stream token")] {
        assert_eq!(bearer(address, "/v1/stats", token).await.0, 200, "{word}");
    }
    assert_eq!(get(address, "/v1/stats", &[("x-api-key", &*root.reveal())]).await.0, 200);
    assert_eq!(get(address, &format!("/v1/events?limit=1&access_token={minted}"), &[]).await.0, 200);
    for open in ["/healthz", "/readyz"] {
        assert_eq!(get(address, open, &[]).await.0, 200);
    }

    let mut wrong = vec![
        ("garbage", "x".to_owned()),
        ("dots", "..".to_owned()),
        ("signature", format!("{}x", &good[..good.len() - 1])),
        ("other secret", join(&header("HS256"), &claims(json!({})), hmac(STREAM_SECRET))),
        ("none", join(&header("none"), &claims(json!({})), |_| Vec::new())),
        ("algorithm", join(&header("HS512"), &claims(json!({})), hmac(SECRET))),
        ("RS256 is not allowed here", join(&header("RS256"), &claims(json!({})), rsa)),
        ("crit", join(&json!({ "alg": "HS256", "crit": ["x"] }), &claims(json!({})), hmac(SECRET))),
        (
            "pretends to be a gateway's",
            join(&json!({ "alg": "HS256", "typ": stream_token::TYPE }), &claims(json!({})), hmac(SECRET)),
        ),
        ("other key", api_key::generate().unwrap().reveal().to_string()),
    ];
    for (name, change) in [
        ("expired", json!({ "exp": now() - 5, "iat": now() - 60 })),
        ("not yet", json!({ "nbf": now() + 60 })),
        ("issued later", json!({ "iat": now() + 60 })),
        ("audience", json!({ "aud": "other" })),
        ("no audience", json!({ "aud": null })),
        ("issuer", json!({ "iss": "https://evil.example" })),
        ("no end", json!({ "exp": null })),
        ("no beginning", json!({ "iat": null })),
        ("no subject", json!({ "sub": null })),
        ("too long", json!({ "exp": now() + 90_000 })),
    ] {
        wrong.push((name, hs(change)));
    }
    let (status, unknown) = get(address, "/v1/stats", &[]).await;
    assert_eq!((status, unknown.contains("unauthenticated")), (401, true));
    for (name, token) in &wrong {
        assert_eq!(bearer(address, "/v1/stats", token).await, (401, unknown.clone()), "{name}");
        let handshake =
            Client::handshake(address, "", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(handshake.err(), Some(401), "{name}");
    }
    // Only stream tokens may stand in an address.
    for token in [&good, &*root.reveal()] {
        assert_eq!(
            get(address, &format!("/v1/stats?access_token={token}"), &[]).await,
            (401, unknown.clone())
        );
    }
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_bound_requests_and_subscriptions() {
    let backend = backends::embedded();
    let (mut auth, root) = auth();
    let (narrow, entry) = key(&["read:orders-*", "start:orders-*"]);
    auth.api_keys.insert("narrow".into(), entry);
    let served = secured(&backend, config(), auth).await;
    let address = served.address;
    publish(&backend, "orders-1", "e1", 1).await;
    publish(&backend, "other", "e2", 2).await;
    let own = Some(ExecutionId::new("e9").unwrap());
    let own = StartRequest { execution_id: own, ..StartRequest::new("other", "go") };
    backend.control().start(own).await.unwrap();
    let forbidden = bearer(address, "/v1/stats", &narrow.reveal()).await;
    assert_eq!((forbidden.0, forbidden.1.contains("\"forbidden\"")), (403, true));
    for (path, status) in [
        ("/v1/events?stream_id=orders-1", 200),
        ("/v1/events", 403),
        ("/v1/events?stream_id=other", 403),
        ("/v1/events?stream_id=other&wait_ms=1", 403),
        ("/v1/events?execution_id=e1", 403),
        ("/v1/executions/e1/events?stream_id=orders-1", 200),
        ("/v1/executions/e1", 200),
        ("/v1/executions/e2", 403),
        ("/v1/executions/nobody", 403),
        ("/v1/events/stream?stream_id=other", 403),
        ("/v1/events/stream", 403),
    ] {
        let found = bearer(address, path, &narrow.reveal()).await;
        assert_eq!(found.0, status, "{path} {}", found.1);
        // A request that names no stream is told to; nothing tells what is there.
        let names_none = !path.contains("stream_id") && !path.starts_with("/v1/executions");
        let told = forbidden.1.replace("does not allow it", "allows it only for some: add stream_id");
        if status == 403 {
            assert_eq!(&found.1, if names_none { &told } else { &forbidden.1 }, "{path}");
        }
    }
    for (body, status) in [
        (json!({ "definition": "orders-1", "execution_id": "n1" }), 201),
        (json!({ "definition": "x", "stream_id": "orders-2", "execution_id": "n2" }), 201),
        (json!({ "definition": "council" }), 403),
        (json!({ "definition": "x", "stream_id": "orders-1", "execution_id": "e9" }), 403),
        // External events about an id do not reserve it.
        (json!({ "definition": "x", "stream_id": "orders-1", "execution_id": "e2" }), 201),
        (json!({ "definition": "orders-1", "session_id": "runbus/auth/revocations" }), 400),
        (json!({ "definition": "orders-1", "execution_id": "runbus/auth/revocations" }), 400),
    ] {
        let found = post(address, "/v1/executions", &narrow.reveal(), body.clone()).await;
        assert_eq!(found.0, status, "{body} {}", found.1);
    }
    // Nobody has commands put where revocations stand.
    let theirs = "/v1/executions/runbus%2Fauth%2Frevocations/cancel";
    assert_eq!(post(address, theirs, &root.reveal(), json!({})).await.0, 400);
    let revoke = post(address, "/v1/auth/revocations", &narrow.reveal(), json!({ "token_id": "t" })).await;
    assert_eq!(revoke.0, 403);

    let protocols = format!("runbus.v1, runbus.bearer.{}", &*narrow.reveal());
    let (mut client, hello) =
        Client::handshake(address, "", &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    assert_eq!(hello["auth"], "ok");
    for (filter, may) in [
        (json!({ "stream_id": "other" }), false),
        (json!({}), false),
        (json!({ "execution_id": "e1" }), false),
        (json!({ "stream_id": "orders-1" }), true),
    ] {
        client.say(&json!({ "type": "subscribe", "id": "s", "filter": filter, "since": "all" })).await;
        let answer = client.message().await.unwrap();
        let (wanted, code) = if may { ("subscribed", None) } else { ("error", Some("forbidden")) };
        assert_eq!((answer["type"].as_str(), answer["code"].as_str()), (Some(wanted), code), "{answer}");
    }
    // Commands ask what REST asks.
    for (command, code) in [
        (json!({ "type": "start", "definition": "council" }), Some("forbidden")),
        (
            json!({ "type": "start", "definition": "orders-3", "session_id": "runbus/x" }),
            Some("invalid_argument"),
        ),
        (json!({ "type": "send", "session_id": "e1", "input": "x" }), Some("forbidden")),
        (json!({ "type": "cancel", "execution_id": "e1" }), Some("forbidden")),
        (json!({ "type": "close", "session_id": "e1" }), Some("forbidden")),
        (json!({ "type": "decide", "approval_id": "a@e1", "approved": true }), Some("forbidden")),
        (json!({ "type": "start", "definition": "orders-3", "execution_id": "n3" }), None),
    ] {
        let mut command = command;
        command["id"] = "c".into();
        client.say(&command).await;
        let answer = loop {
            let message = client.message().await.unwrap();
            if message["id"] == "c" {
                break message;
            }
        };
        assert_eq!(answer["code"].as_str(), code, "{command} {answer}");
    }
    for (path, status) in [
        ("/v1/executions/e1/cancel", 403),
        ("/v1/sessions/e1/close", 403),
        ("/v1/approvals/a@e1/decision", 403),
        ("/v1/dead-letters/e1/retry", 403),
    ] {
        let found = post(address, path, &narrow.reveal(), json!({ "approved": true })).await;
        assert_eq!(found.0, status, "{path}");
    }
    end(served).await;
}

/// The client's own words in band: first none, then a wrong one, then a fresh one while events flow.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_shown_and_refreshed_in_band() {
    let backend = backends::embedded();
    let (auth, root) = auth();
    // An impatient gateway for the silent client alone: the others may be slower on a busy machine.
    let limits = Limits { pre_auth_timeout_ms: 200, ..Limits::default() };
    let impatient = secured(&backend, config(), Config { limits, ..auth.clone() }).await;
    let (mut silent, hello) = Client::handshake(impatient.address, "", &[]).await.unwrap();
    assert_eq!(hello["auth"], "required");
    assert_eq!(silent.closed().await, Some(4408));
    end(impatient).await;
    let served = secured(&backend, config(), auth).await;
    let address = served.address;
    for word in [json!({ "type": "ping" }), json!({ "type": "auth", "token": "wrong" })] {
        let (mut client, _) = Client::handshake(address, "", &[]).await.unwrap();
        client.say(&word).await;
        assert_eq!(client.closed().await, Some(4401), "{word}");
    }

    let (mut client, _) = Client::handshake(address, "", &[]).await.unwrap();
    let short = hs(json!({ "exp": now() + 10 }));
    client.say(&json!({ "type": "auth", "token": short })).await;
    let first = client.message().await.unwrap();
    // Another one has the same token and shows no other.
    let (mut mayfly, _) = Client::handshake(address, "", &[]).await.unwrap();
    mayfly.say(&json!({ "type": "auth", "token": short })).await;
    assert_eq!(mayfly.message().await.unwrap()["type"], "auth_ok");
    assert_eq!(first["type"], "auth_ok");
    client.subscribe(json!({ "stream_id": "s" }), json!("new")).await;
    let mut seen = 0;
    let mut expires = first["expires_at"].clone();
    for n in 0..60 {
        publish(&backend, "s", "e", n).await;
        if n % 20 == 10 {
            client.say(&json!({ "type": "auth", "token": hs(json!({ "exp": now() + 30 + i64::try_from(n).unwrap(), "jti": n.to_string() })) })).await;
        }
    }
    let mut refreshed = 0;
    while seen < 60 || refreshed < 3 {
        let message = client.message().await.unwrap();
        match message["type"].as_str().unwrap() {
            "events" => {
                for event in message["events"].as_array().unwrap() {
                    assert_eq!(event["data"]["content"], seen.to_string());
                    seen += 1;
                }
            }
            "auth_ok" => {
                assert_ne!(message["expires_at"], expires);
                expires = message["expires_at"].clone();
                refreshed += 1;
            }
            "caught_up" => {}
            other => panic!("{other}: {message}"),
        }
    }
    // It outlives the first token.
    assert_eq!(mayfly.closed().await, Some(4401));
    client.say(&json!({ "type": "ping" })).await;
    assert_eq!(client.message().await.unwrap()["type"], "pong");
    // Fewer scopes: subscriptions outside them end.
    client.say(&json!({ "type": "auth", "token": hs(json!({ "scope": "read:other" })) })).await;
    let words: Vec<Value> = [client.message().await, client.message().await, client.message().await]
        .into_iter()
        .map(|message| message.unwrap()["type"].clone())
        .collect();
    assert_eq!(words, ["auth_ok", "error", "unsubscribed"]);
    // Somebody else.
    client.say(&json!({ "type": "auth", "token": &*root.reveal() })).await;
    assert_eq!(client.closed().await, Some(4403));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_ends_live_connections() {
    let backend = backends::embedded();
    let (auth, root) = auth();
    let served = secured(&backend, config(), auth).await;
    let body = json!({ "scopes": ["read:s"], "ttl_s": 8 });
    let (status, minted) = post(served.address, "/v1/auth/tokens", &root.reveal(), body).await;
    assert_eq!(status, 201, "{minted}");
    let token = minted["token"].as_str().unwrap();
    let query = format!("?access_token={token}");
    let (mut client, _) = Client::handshake(served.address, &query, &[]).await.unwrap();
    client.subscribe(json!({ "stream_id": "s" }), json!("new")).await;
    let path = format!("/v1/events/stream?stream_id=s&access_token={token}");
    let mut stream = Stream::open(served.address, &path, None).await;
    assert_eq!(client.closed().await, Some(4401));
    let mut last = None;
    while let Some(frame) = stream.message().await {
        last = Some(frame);
    }
    let last = last.unwrap();
    assert_eq!((last.event.as_str(), &last.json()["code"]), ("closed", &json!(4401)));
    // A page sees the close code alone.
    let (mut late, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/v1/ws{query}", served.address)).await.unwrap();
    let closed = futures_util::StreamExt::next(&mut late).await;
    let Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) = closed else {
        panic!("{closed:?}")
    };
    assert_eq!(u16::from(frame.code), 4401);
    end(served).await;
}

/// Revoked at one gateway, closed at the other; a gateway that starts later knows; the store has no part in it.
#[tokio::test(flavor = "multi_thread")]
async fn revocation_reaches_every_gateway() {
    for backend in backends::all().await {
        let (auth, root) = auth();
        let one = secured(&backend, config(), auth.clone()).await;
        let two = secured(&backend, config(), auth.clone()).await;
        let by_id = hs(json!({ "jti": "lost" }));
        let by_subject = hs(json!({ "sub": "bob", "jti": "b1", "iat": now() - 10 }));
        let other = hs(json!({ "sub": "carol", "jti": "c1" }));
        let minted = post(two.address, "/v1/auth/tokens", &by_id, json!({})).await.1;
        let minted = minted["token"].as_str().unwrap().to_owned();
        let mut clients = Vec::new();
        for token in [&by_id, &minted, &by_subject, &other] {
            let header = format!("Bearer {token}");
            let (mut client, _) =
                Client::handshake(two.address, "", &[("authorization", &header)]).await.unwrap();
            client.subscribe(json!({}), json!("new")).await;
            clients.push(client);
        }
        let began = tokio::time::Instant::now();
        for body in [json!({ "token_id": "lost" }), json!({ "subject": "bob" })] {
            let (status, answer) = post(one.address, "/v1/auth/revocations", &root.reveal(), body).await;
            assert_eq!(status, 201, "{answer}");
        }
        let mut left = clients.split_off(3);
        for mut client in clients {
            assert_eq!(client.closed().await, Some(4401), "{}", backend.name);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        left[0].say(&json!({ "type": "ping" })).await;
        while left[0].message().await.unwrap()["type"] != "pong" {}
        let three = secured(&backend, config(), auth).await;
        for address in [one.address, two.address, three.address] {
            for token in [&by_id, &minted, &by_subject] {
                assert_eq!(bearer(address, "/v1/stats", token).await.0, 401, "{}", backend.name);
            }
            assert_eq!(bearer(address, "/v1/stats", &other).await.0, 200);
        }
        for served in [one, two, three] {
            end(served).await;
        }
    }
}

/// A local issuer whose keys a test replaces, or takes away; each time that it is asked for them is counted.
async fn issuer(keys: Arc<Mutex<Option<Value>>>, asked: watch::Sender<u32>) -> SocketAddr {
    use axum::http::StatusCode;
    let answer = move || {
        let keys = keys.lock().unwrap().clone();
        asked.send_modify(|times| *times += 1);
        async move { keys.map(|keys| axum::Json(json!({ "keys": keys }))).ok_or(StatusCode::BAD_GATEWAY) }
    };
    let app = axum::Router::new().route("/keys", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuers_keys_rotate_and_stay_while_it_is_away() {
    let ed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(ed.public_key().as_ref());
    let rsa_jwk = json!({ "kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS256", "n": RSA_N, "e": "AQAB" });
    let ed_jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "e1", "x": x });
    let shared = json!({ "kty": "oct", "kid": "o1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let keys = Arc::new(Mutex::new(Some(json!([rsa_jwk, shared]))));
    let (count, mut asked) = watch::channel(0);
    let issuer = issuer(keys.clone(), count).await;
    let backend = backends::embedded();
    let (mut auth, _) = auth();
    auth.jwt.algorithms = vec![Algorithm::RS256, Algorithm::EdDSA];
    auth.jwt.hs256_secret = None;
    auth.jwt.jwks_url = Some(format!("http://{issuer}/keys"));
    let served = secured(&backend, config(), auth).await;
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid });
    let by_rsa = |kid: &str| join(&header("RS256", kid), &claims(json!({})), rsa);
    let by_ed = |kid: &str| {
        join(&header("EdDSA", kid), &claims(json!({})), |message| ed.sign(message).as_ref().to_vec())
    };
    let status = async |token: String| bearer(served.address, "/v1/stats", &token).await.0;
    assert_eq!(status(by_rsa("r1")).await, 200);
    assert_eq!(status(by_ed("e1")).await, 401);
    // The public key as a shared secret, a shared secret from the set, and a key under another's name.
    let confused = |secret: &str, kid| join(&header("HS256", kid), &claims(json!({})), hmac(secret));
    assert_eq!(status(confused(RSA_N, "r1")).await, 401);
    assert_eq!(status(confused(include_str!("keys/rsa-public.pem"), "r1")).await, 401);
    assert_eq!(status(confused(SECRET, "o1")).await, 401);
    assert_eq!(status(by_ed("r1")).await, 401);

    *keys.lock().unwrap() = Some(json!([ed_jwk]));
    // A key that is not known makes the gateway ask, but not all the time.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while status(by_ed("e1")).await != 200 {
        assert!(tokio::time::Instant::now() < deadline, "the new keys are not asked for");
    }
    assert_eq!(status(by_rsa("r1")).await, 401);
    *keys.lock().unwrap() = None;
    asked.mark_unchanged();
    while !asked.has_changed().unwrap() {
        assert_eq!(status(by_rsa("new")).await, 401);
        assert!(tokio::time::Instant::now() < deadline, "the issuer is not asked");
    }
    assert_eq!(status(by_rsa("new")).await, 401);
    assert_eq!(status(by_ed("e1")).await, 200);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn principals_are_bounded() {
    let backend = backends::embedded();
    let (mut auth, root) = auth();
    auth.limits = Limits { max_connections: 2, messages_per_s: 1, burst_messages: 20, ..Limits::default() };
    let served = secured(&backend, config(), auth).await;
    let address = served.address;
    let token = format!("Bearer {}", hs(json!({})));
    let headers = [("authorization", token.as_str())];
    let (mut one, _) = Client::handshake(address, "", &headers).await.unwrap();
    let two = Client::handshake(address, "", &headers).await.unwrap();
    assert_eq!(Client::handshake(address, "", &headers).await.err(), Some(429));
    assert_eq!(get(address, "/v1/events/stream", &headers).await.0, 429);
    drop(two);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while let Err(status) = Client::handshake(address, "", &headers).await {
        assert!(status == 429 && tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let mut limited = false;
    for _ in 0..600 {
        one.say(&json!({ "type": "ping" })).await;
    }
    let code = loop {
        match one.message().await {
            Some(message) => limited |= message["code"] == "rate_limited",
            None => break one.last_close(),
        }
    };
    assert_eq!((limited, code), (true, Some(4429)));
    // Requests count with messages: one a second is answered since, far fewer than a fresh allowance.
    let mut refused = None;
    for _ in 0..10 {
        let request = http().get(format!("http://{address}/v1/stats")).header("authorization", &token);
        let answer = request.send().await.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 200);
    }
    assert!(refused.expect("a request is refused").headers().contains_key("retry-after"));
    // Others have their own.
    assert_eq!(bearer(address, "/v1/stats", &root.reveal()).await.0, 200);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_served() {
    let path = |name: &str| Some(format!("{}/tests/system/keys/{name}", env!("CARGO_MANIFEST_DIR")).into());
    let backend = backends::embedded();
    let tls = runbus_gateway::Config {
        tls_cert_file: path("tls-cert.pem"),
        tls_key_file: path("tls-key.pem"),
        ..config()
    };
    let (auth, root) = auth();
    let served = secured(&backend, tls.clone(), auth.clone()).await;
    // One that says nothing holds nobody up.
    let _silent = tokio::net::TcpStream::connect(served.address).await.unwrap();
    runbus::tls::install();
    let certificate = reqwest::Certificate::from_pem(include_bytes!("keys/tls-cert.pem")).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
    let url = format!("https://localhost:{}/v1/stats", served.address.port());
    let answer = client.get(&url).bearer_auth(&*root.reveal()).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    http().get(&url).send().await.unwrap_err();
    end(served).await;
    let broken = runbus_gateway::Config { tls_key_file: path("rsa-public.pem"), ..tls };
    let bound = runbus_gateway::Gateway::secured(broken, auth, backend.control()).await;
    assert!(bound.unwrap_err().to_string().starts_with("gateway.tls"));
}

/// Other machines may connect where callers are asked who they are.
#[tokio::test]
async fn exposure_needs_authentication() {
    let backend = backends::embedded();
    let exposed = runbus_gateway::Config { listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    let named = runbus_gateway::Config { hosts: vec!["gate.example".into()], ..exposed.clone() };
    let insecure = runbus_gateway::Config { allow_insecure: true, ..exposed.clone() };
    let (auth, _) = auth();
    runbus_gateway::Gateway::secured(named.clone(), auth.clone(), backend.control()).await.unwrap();
    let error = runbus_gateway::Gateway::bind(named, backend.control()).await.unwrap_err().to_string();
    assert!(error.contains("auth.mode") && error.contains("allow_insecure"), "{error}");
    // ... and where it is said by which hosts they may call it, whether callers are asked or not.
    for bound in [
        runbus_gateway::Gateway::secured(exposed, auth, backend.control()).await,
        runbus_gateway::Gateway::bind(insecure, backend.control()).await,
    ] {
        let error = bound.unwrap_err().to_string();
        assert!(error.starts_with("gateway.hosts") && error.contains("0.0.0.0"), "{error}");
    }
}
