//! One runtime of its own for the stand-in servers, so that they serve on while a test blocks its thread, and so that
//! tests with runtimes of their own can share them.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

/// Runs `task` until it ends or is aborted.
pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(task: F) -> Stopper {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("testbed")
            .enable_all()
            .build()
            .expect("a runtime starts")
    });
    Stopper(runtime.spawn(task).abort_handle())
}

/// Ends its task when dropped.
#[derive(Debug)]
pub(crate) struct Stopper(AbortHandle);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.abort();
    }
}
