//! A role for the machine: the engine wants one that exists. One signed call; no client of IAM is worth its build.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Creates a role that may do nothing; gives its ARN.
pub async fn create(config: &SdkConfig, name: &str) -> String {
    let url = format!("{}/", config.endpoint_url().unwrap().trim_end_matches('/'));
    let parameters = [
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", name),
        ("AssumeRolePolicyDocument", TRUST),
    ];
    let call = reqwest::Client::new().post(url).form(&parameters).build().unwrap();
    let identity = config.credentials_provider().unwrap().provide_credentials().await.unwrap().into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("iam")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let host = call.url().authority().to_owned();
    let form = call.headers()["content-type"].to_str().unwrap().to_owned();
    let headers = [("host", host.as_str()), ("content-type", form.as_str())];
    let body = SignableBody::Bytes(call.body().unwrap().as_bytes().unwrap());
    let signable = SignableRequest::new("POST", call.url().as_str(), headers.into_iter(), body).unwrap();
    let (signature, _) = sign(signable, &signing).unwrap().into_parts();
    let signed: Vec<(String, String)> =
        signature.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();

    let mut call = call;
    for (name, value) in signed {
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
        call.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = reqwest::Client::new().execute(call).await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "CreateRole: {status} {text}");
    format!("arn:aws:iam::000000000000:role/{name}")
}
