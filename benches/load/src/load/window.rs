//! The clients' threads, and what they saw between two moments.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Line, Result, Shape, Target};
use crate::measure::{Measured, percentile};

/// What everything may take beyond the time that is measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long, and by how many threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Not counted: connections and caches get warm.
    pub(crate) warm: Duration,
    /// Counted.
    pub(crate) measured: Duration,
    /// Threads of the client.
    pub(crate) threads: usize,
}

/// What was seen in one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Right answers that came within it.
    pub(crate) answered: u64,
    /// How long it was.
    pub(crate) seconds: f64,
    /// CPU seconds of the server.
    pub(crate) server_cpu: f64,
    /// CPU seconds of this process.
    pub(crate) client_cpu: f64,
    /// Half were answered within so many microseconds.
    pub(crate) p50: f64,
    /// All but one in a hundred.
    pub(crate) p99: f64,
}

impl Seen {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }
}

/// Loads `target`, whose process is `server`.
pub(crate) fn drive<T: Target>(target: &T, server: Measured, shape: Shape, window: Window) -> Result<Seen> {
    let threads = window.threads.clamp(1, shape.connections);
    let (ready, all_ready) = mpsc::sync_channel(threads);
    let mut starts = Vec::new();
    let running: Vec<_> = (0..threads)
        .map(|number| {
            let (start, started) = mpsc::sync_channel::<Instant>(1);
            starts.push(start);
            let (target, ready, mine) = (target.clone(), ready.clone(), Share::of(shape, threads, number));
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                runtime.block_on(async {
                    let lines = within(PATIENCE, mine.connect(&target)).await?;
                    // The other end waits for all.
                    let _gone = ready.send(());
                    let from = started.recv().map_err(|_| "another thread could not connect".to_owned())?;
                    within(window.measured + PATIENCE, ask(lines, from, window.measured)).await
                })
            })
        })
        .collect();
    drop(ready);
    let connected = all_ready.iter().take(threads).count();
    let mut cpu = [(0.0, 0.0); 2];
    if connected == threads {
        let from = Instant::now() + window.warm;
        for start in &starts {
            // A thread that is gone says why when it is joined.
            let _gone = start.send(from);
        }
        for (moment, cpu) in [from, from + window.measured].into_iter().zip(&mut cpu) {
            thread::sleep(moment.saturating_duration_since(Instant::now()));
            *cpu = (server.cpu(), Measured::own().cpu());
        }
    }
    drop(starts);
    let mut all = Vec::new();
    for thread in running {
        all.extend(thread.join().map_err(|_| "a client's thread panicked".to_owned())??);
    }
    if all.is_empty() {
        return Err("nothing was answered".to_owned());
    }
    all.sort_unstable();
    let micros = |share| f64::from(percentile(&all, share)) / 1_000.0;
    let [(server_from, client_from), (server_to, client_to)] = cpu;
    Ok(Seen {
        answered: all.len() as u64,
        seconds: window.measured.as_secs_f64(),
        server_cpu: server_to - server_from,
        client_cpu: client_to - client_from,
        p50: micros(0.5),
        p99: micros(0.99),
    })
}

/// What one thread does of the whole: for each of its connections, how many ask.
struct Share(Vec<usize>);

impl Share {
    fn of(shape: Shape, threads: usize, number: usize) -> Self {
        let lines = |connection| (connection..shape.in_flight).step_by(shape.connections).count();
        Self((0..shape.connections).filter(|connection| connection % threads == number).map(lines).collect())
    }

    async fn connect<T: Target>(&self, target: &T) -> Result<Vec<T::Line>> {
        let mut all = Vec::new();
        for lines in &self.0 {
            all.extend(target.connect(*lines).await?);
        }
        Ok(all)
    }
}

/// Asks with all lines at once; how many nanoseconds each answer took that came within the window.
async fn ask<L: Line>(lines: Vec<L>, from: Instant, measured: Duration) -> Result<Vec<u32>> {
    let to = from + measured;
    let mut asking = JoinSet::new();
    for mut line in lines {
        asking.spawn(async move {
            let mut took = Vec::with_capacity(1 << 16);
            loop {
                let asked = Instant::now();
                line.ask().await?;
                let now = Instant::now();
                if now >= to {
                    return Ok(took);
                }
                if now >= from {
                    took.push(u32::try_from((now - asked).as_nanos()).unwrap_or(u32::MAX));
                }
            }
        });
    }
    let mut all = Vec::new();
    while let Some(done) = asking.join_next().await {
        let took: Result<Vec<u32>> = done.map_err(|error| error.to_string())?;
        all.extend(took?);
    }
    Ok(all)
}

async fn within<T>(limit: Duration, what: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, what).await.unwrap_or_else(|_| Err(format!("no end within {limit:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Quick;

    impl Target for Quick {
        type Line = Self;
        async fn connect(&self, lines: usize) -> Result<Vec<Self>> {
            Ok(vec![Self; lines])
        }
    }

    impl Line for Quick {
        async fn ask(&mut self) -> Result<()> {
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    #[test]
    fn what_comes_within_the_window_is_counted() {
        let window = Window { warm: Duration::from_millis(5), measured: Duration::from_millis(200), threads: 2 };
        let shape = Shape { in_flight: 7, connections: 3 };
        let seen = drive(&Quick, Measured::own(), shape, window).expect("it is answered");
        assert!(seen.answered > 0 && seen.p99 >= seen.p50, "{seen:?}");
    }

    #[test]
    fn every_request_in_flight_has_its_connection() {
        let shares = |threads| -> Vec<Vec<usize>> {
            (0..threads).map(|n| Share::of(Shape { in_flight: 7, connections: 3 }, threads, n).0).collect()
        };
        assert_eq!(shares(1), [[3, 2, 2]]);
        assert_eq!(shares(2), [vec![3, 2], vec![2]]);
    }
}
