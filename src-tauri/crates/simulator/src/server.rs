//! The accept loop. Connections live in a set that dies with the loop, so that dropping the simulator closes them all.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Shared};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::socket::{Fuse, Socket};
use crate::state::State;
use crate::{control, handle};

/// Accepts until it is aborted.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let router = router(state);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, router.clone()));
                }
            }
            // Finished connections are taken out of the set, which would otherwise grow for ever.
            Some(_) = connections.join_next() => {}
        }
    }
}

fn router(state: Arc<State>) -> Router {
    Router::new()
        .nest("/_simulator", control::router())
        .fallback(|Shared(state): Shared<Arc<State>>, request: Request| async move {
            handle::handle(state, request).await
        })
        .with_state(state)
}

async fn connection(stream: TcpStream, router: Router) {
    // Without this a stream of small events waits for acknowledgements. A connection that is gone already ends below.
    let _ = stream.set_nodelay(true);
    let fuse = Fuse::default();
    let socket = Socket::new(stream, fuse.clone());
    let router = router.layer(axum::Extension(fuse)).into_service::<hyper::body::Incoming>();
    let service = TowerToHyperService::new(router);
    // An error here is a client that hung up or a fault that was asked for: both are recorded where they happen.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}
