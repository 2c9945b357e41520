//! The simulator's own little API, for browser tests and the command line. It answers only when the `Host` is this
//! machine, so that a page which rebinds its name cannot read what a demo was asked.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State as Shared;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::scenario::Scenario;
use crate::state::State;

pub(crate) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/scenario", get(scenario).put(set_scenario))
        .route("/requests", get(requests).delete(clear_requests))
        .layer(from_fn(only_loopback))
        .layer(DefaultBodyLimit::max(64 << 20))
}

async fn only_loopback(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost") {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn scenario(Shared(state): Shared<Arc<State>>) -> Response {
    Json(state.scenario()).into_response()
}

async fn set_scenario(Shared(state): Shared<Arc<State>>, body: String) -> Response {
    match serde_json::from_str::<Scenario>(&body) {
        Ok(scenario) => {
            state.set_scenario(scenario);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

async fn requests(Shared(state): Shared<Arc<State>>) -> Response {
    let seen: Vec<_> = state.seen().iter().map(crate::Seen::to_json).collect();
    Json(json!({"requests": seen, "open_streams": state.open_streams(), "neurons_today": state.neurons_today()}))
        .into_response()
}

async fn clear_requests(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.clear_seen();
    StatusCode::NO_CONTENT
}
