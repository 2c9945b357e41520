//! Work that must not be noticed: on a thread of its own that takes what the others leave of the processors.

use domain::{Fault, FaultCode};
use tokio::sync::oneshot;

/// How much the thread steps back. The window's threads have 0; at 19, the most there is, it would stand still beside them.
#[cfg(target_os = "linux")]
const STEP_BACK: i32 = 15;

/// Runs `work` in the background and waits for what it gives.
///
/// # Errors
/// `Internal` when there is no thread to be had or the work panicked.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let (done, result) = oneshot::channel();
    let body = move || {
        step_back();
        // Nobody waits any more: then the result is of no use.
        let _ = done.send(work());
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))?;
    result.await.map_err(|_| Fault::new(FaultCode::Internal).with_detail(format!("{name} broke off")))
}

/// On Linux the priority is the thread's own. Elsewhere it would be the process's, or takes unsafe calls.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STEP_BACK) {
        tracing::debug!(%error, "a background thread keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn work_gives_its_result_and_a_panic_is_a_fault() {
        assert_eq!(super::run("sum", || 2 + 3).await.expect("a sum"), 5);
        let broken: Result<(), _> = super::run("broken", || panic!("on purpose")).await;
        assert_eq!(broken.expect_err("a fault").code, domain::FaultCode::Internal);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_its_own_thread_steps_back() {
        let nice = || rustix::process::nice(0).expect("a priority");
        let before = nice();
        let inside = super::run("nice", nice).await.expect("a priority");
        assert_eq!((inside, nice()), ((before + super::STEP_BACK).min(19), before));
    }
}
