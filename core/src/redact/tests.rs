//! Random secrets in random surroundings never get through, and what is no secret does.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rstest::rstest;
use serde_json::{Value, json};

use super::{text::LEFT_OUT, *};

/// Numbers that a seed determines: Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A secret: long enough not to come up by chance.
    fn secret(&mut self) -> String {
        let length = 20 + self.below(60);
        format!("{}7", self.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length))
    }

    /// Words of a log, none of which is a secret.
    fn words(&mut self) -> String {
        let words =
            ["started", "pod web-1", "\"key\"", "{", "}", "a=b", "level=info", "\t", "größer", "---", "::", "'"];
        (0..self.below(8)).flat_map(|_| [self.one(&words), " "]).collect()
    }
}

/// A text with a secret in a form that is promised to be found, and what must not be left of it.
fn hidden_in_text(random: &mut Random) -> (String, Vec<String>) {
    let secret = random.secret();
    let name =
        random.one(&["password", "DB_PASSWORD", "token", "apiKey", "api-key", "client_secret", "SECRET", "privateKey"]);
    let text = match random.below(9) {
        0 => format!("{name}={secret}"),
        1 => format!("{name}: {secret}"),
        2 => format!("{{\"{name}\":\"{secret}\"}}"),
        3 => format!("{{\\\"{name}\\\": \\\"{secret}\\\"}}"),
        4 => format!("Authorization: {} {secret}", random.one(&["Bearer", "Basic", "Negotiate"])),
        5 => format!("got bearer {secret} from"),
        6 => format!("eyJ{secret}.{secret}.{secret}"),
        7 => format!("postgres://user:{secret}@db/orders"),
        _ => format!("client-key-data: LS0tLS1CRUdJTi{secret}"),
    };
    (text, vec![secret])
}

/// A private key as logs have it: with times, in one line, or cut off.
fn hidden_in_key(random: &mut Random) -> (String, Vec<String>) {
    let kind = random.one(&["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "]);
    let count = 1 + random.below(20);
    let mut secrets: Vec<String> = (0..count).map(|_| random.text("abcdefghijkABCDEFGHIJ0123456789+/", 64)).collect();
    secrets.push(random.text("abcdefgh0123456789", 20));
    let mut lines = vec![format!("-----BEGIN {kind}PRIVATE KEY-----")];
    lines.extend(secrets.iter().cloned());
    lines.push(format!("-----END {kind}PRIVATE KEY-----"));
    let text = match random.below(5) {
        0 => lines.join("\\n"),
        1 => lines.join("\n"),
        2 => lines.iter().flat_map(|line| ["2026-11-23T03:00:01.123456789Z ", line, "\n"]).collect(),
        3 => lines[..lines.len() - 1 - random.below(count)].join("\n"),
        _ => lines[1 + random.below(count)..].join("\n"),
    };
    (text, secrets)
}

fn seeds() -> impl Iterator<Item = (u64, Random)> {
    (0..2000).map(|seed| (seed, Random(seed)))
}

#[test]
fn secrets_in_texts_are_left_out() {
    for (seed, mut random) in seeds() {
        let of = if random.below(3) == 0 { hidden_in_key } else { hidden_in_text };
        let (hidden, secrets) = of(&mut random);
        let (before, after) = (random.words(), random.words());
        let separator = random.one(&["\n", "\r\n"]);
        let text = format!("{before}{separator}{hidden}{separator}{after}");
        let clean = redacted(&text);
        for secret in secrets {
            assert!(!clean.contains(&secret), "seed {seed}: {secret} is left of {text:?}: {clean:?}");
        }
        assert!(clean.starts_with(&before) && clean.ends_with(&after), "seed {seed}: {text:?} became {clean:?}");
        assert_eq!(redacted(&clean), clean, "seed {seed}: once is enough");
    }
}

/// An object with a secret anywhere that is promised to be found.
fn hidden_in_object(random: &mut Random, depth: usize) -> (Value, String) {
    if depth > 0 {
        let (inner, secret) = hidden_in_object(random, depth - 1);
        let outer = match random.below(3) {
            0 => json!([1, inner, "x"]),
            1 => json!({ "spec": inner, "name": "x" }),
            _ => json!({ "metadata": { "annotations": inner } }),
        };
        return (outer, secret);
    }
    let secret = random.secret();
    let value = match random.below(8) {
        0 => {
            json!({ "name": random.one(&["DB_PASSWORD", "API_TOKEN", "AWS_SECRET_ACCESS_KEY", "TOKEN_2"]), "value": secret })
        }
        1 => json!({ "kubectl.kubernetes.io/last-applied-configuration": secret }),
        2 => json!({ random.one(&["password", "clientSecret", "token", "client-key-data", "apiKey"]): secret }),
        3 => json!(["--db-password", secret]),
        4 => json!([format!("--token={secret}")]),
        5 => json!(format!("apiVersion: v1\nusers:\n- user: {{token: {secret}}}\n")),
        6 => json!(format!("curl -H 'Authorization: Bearer {secret}' http://x")),
        _ => json!({ "httpHeaders": [{ "name": "X-Auth-Token", "value": secret }] }),
    };
    (value, secret)
}

#[test]
fn secrets_in_objects_are_left_out() {
    for (seed, mut random) in seeds() {
        let depth = random.below(4);
        let (mut value, secret) = hidden_in_object(&mut random, depth);
        let before = value.to_string();
        object(&mut value);
        assert!(!value.to_string().contains(&secret), "seed {seed}: {before} became {value}");
        let once = value.clone();
        object(&mut value);
        assert_eq!(value, once, "seed {seed}: once is enough");
    }
}

#[test]
fn what_a_secret_holds_is_left_out_everywhere() {
    for (seed, mut random) in seeds().take(200) {
        let secret = random.secret();
        let encoded = STANDARD.encode(&secret);
        let object =
            json!({ "kind": "Secret", "data": { "x": encoded, "namespace": STANDARD.encode("orders-namespace") } });
        let known = Known::of(std::iter::once(&object));
        let text = format!("{}{secret} {encoded}{}orders-namespace", random.words(), random.words());
        let clean = known.left_out_of(&text);
        assert!(!clean.contains(&secret) && !clean.contains(&encoded), "seed {seed}: {text} became {clean}");
        assert!(clean.ends_with("orders-namespace"), "{clean}");
    }
}

#[test]
fn a_short_password_is_known_beside_many_certificates() {
    let key = |index: usize| {
        let line = |number: usize| format!("{:a>63}\n", format!("{index}x{number}"));
        let lines: String = (0..28).map(line).collect();
        STANDARD.encode(format!("-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n"))
    };
    let keys: Vec<Value> = (0..500).map(|index| json!({ "data": { "tls.key": key(index) } })).collect();
    let database = json!({ "data": { "password": STANDARD.encode("tiger"), "user": STANDARD.encode("scott") } });
    let known = Known::of(keys.iter().chain([&database]));
    assert_eq!(known.left_out_of("scott logs in with tiger"), "scott logs in with <left out>");
    let token = json!({ "stringData": { "a": "prefix", "b": "prefix-and-more" } });
    assert_eq!(Known::of([&token].into_iter()).left_out_of("x prefix-and-more"), "x <left out>");
}

#[test]
fn a_secret_keeps_its_keys_and_nothing_else() {
    let mut secret = json!({ "kind": "Secret", "metadata": { "name": "db", "managedFields": [{}] },
        "data": { "user": "YQ==" }, "stringData": { "x": "y" }, "type": "Opaque" });
    object(&mut secret);
    let expected = json!({ "kind": "Secret", "metadata": { "name": "db" }, "data": { "user": LEFT_OUT },
        "stringData": { "x": LEFT_OUT }, "type": "Opaque" });
    assert_eq!(secret, expected);
}

#[rstest]
#[case("MountVolume.SetUp failed for volume \"x\" : secret \"db\" not found")]
#[case("the token has expired; basic information about bearer tokens")]
#[case("http://127.0.0.1:8080/api client.authenticationok node-1.example.com:443")]
#[case("-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUYQ\n-----END CERTIFICATE-----\n")]
#[case("certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t")]
#[case("sha256:0123456789abcdef0123456789abcdef and 10.0.0.1:80")]
#[case("")]
fn what_is_no_secret_stays(#[case] text: &str) {
    assert_eq!(redacted(text), text);
}

#[test]
fn references_to_secrets_stay() {
    let volumes = json!({ "volumes": [{ "secret": { "secretName": "db" } }], "imagePullSecrets": [{ "name": "pull" }],
        "env": [{ "name": "X_PASSWORD", "valueFrom": { "secretKeyRef": { "name": "db", "key": "x" } } },
                { "name": "PORT", "value": "80" }],
        "automountServiceAccountToken": true, "tolerations": [{ "key": "node.kubernetes.io/not-ready" }] });
    let mut same = volumes.clone();
    object(&mut same);
    assert_eq!(same, volumes);
}
