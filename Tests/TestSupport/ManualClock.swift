package import Storage
import Synchronization

/// A wall clock that stands still until a test moves it.
package final class ManualClock: Sendable {
    private let moment: Mutex<Timestamp>

    /// Stands at a moment; without one in September 2001, at a round number of milliseconds.
    package init(_ moment: Timestamp = Timestamp(milliseconds: 1_000_000_000_000)) {
        self.moment = Mutex(moment)
    }

    package var now: Timestamp { moment.withLock { $0 } }

    /// Moves the clock on, and returns where it stands then.
    @discardableResult
    package func advance(by duration: Duration) -> Timestamp {
        moment.withLock { moment in
            moment = moment + duration
            return moment
        }
    }

    /// Moves the clock to a moment, forward or back.
    package func move(to moment: Timestamp) { self.moment.withLock { $0 = moment } }

    /// The clock as it is injected.
    package var wallClock: WallClock { { self.now } }
}
