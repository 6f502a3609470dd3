//! Signatures against vectors made with the vendor's Python package (plivo 4.63.0, `plivo.utils.signature_v3`).

use qnect_simulator::{Method, sign_v3};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    uri: String,
    params: Vec<(String, String)>,
    nonce: String,
    auth_token: String,
    signature: String,
}

#[test]
fn signatures_are_the_vendors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/plivo_signature_v3.json")).expect("vectors");
    assert!(vectors.len() >= 12);
    for vector in vectors {
        let method = if vector.method == "GET" { Method::Get } else { Method::Post };
        let signature = sign_v3(method, &vector.uri, &vector.params, &vector.nonce, &vector.auth_token);
        assert_eq!(signature, vector.signature, "{}", vector.name);
    }
}
