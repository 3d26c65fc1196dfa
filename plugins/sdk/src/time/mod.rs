//! Time: a clock that is handed in, points in time and spans that cannot overflow in silence.
//!
//! Nothing else in Keyward reads the machine's clock, so a test can hold it still.

mod clock;
mod span;
mod timestamp;

pub use clock::{Clock, ManualClock, Monotonic, SharedClock, SystemClock};
pub use span::Span;
pub use timestamp::{Timestamp, TimestampError};
