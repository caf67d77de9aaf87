import Glibc
import OCI
import Synchronization

/// One line on a terminal that shows how far something has come, and is gone when it is done.
final class ProgressBar: Sendable {
    /// What is needed of a terminal.
    struct Screen: Sendable {
        let write: @Sendable (String) -> Void
        /// In columns.
        let width: @Sendable () -> Int
        let now: @Sendable () -> ContinuousClock.Instant
    }

    private struct State {
        var label = ""
        var total: Int64 = 0
        var lastDrawn: ContinuousClock.Instant?
        /// What was done when, over the last seconds, the oldest first.
        var samples: [(time: ContinuousClock.Instant, done: Int64)] = []
    }

    private let screen: Screen
    private let state = Mutex(State())

    /// Ten times a second is as much as an eye follows.
    private static let interval = Duration.milliseconds(100)
    /// Short enough to follow a change, long enough not to flicker.
    private static let speedTime = Duration.seconds(3)

    init(on screen: Screen) { self.screen = screen }

    /// The bar on standard error; nil where that is no terminal that can redraw a line.
    static func onStandardError(environment: [String: String]) -> ProgressBar? {
        guard isatty(STDERR_FILENO) == 1, environment["TERM"] != "dumb" else { return nil }
        return ProgressBar(
            on: Screen(
                write: { Terminal.write($0, to: STDERR_FILENO) },
                width: {
                    var size = winsize()
                    let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
                    return isKnown ? Int(size.ws_col) : 80
                },
                now: { .now }
            )
        )
    }

    /// Starts to show something else.
    ///
    /// `total` is in bytes.
    func begin(_ label: String, total: Int64) {
        state.withLock { $0 = State(label: label, total: total) }
        update(0)
    }

    /// Shows how many bytes are done, unless that was shown just now.
    func update(_ done: Int64) {
        state.withLock { state in
            let now = screen.now()
            if let last = state.samples.last, last.done > done { state.samples = [] }
            if let last = state.lastDrawn, now - last < Self.interval { return }
            state.lastDrawn = now
            state.samples.append((now, done))
            while state.samples.count > 2, now - state.samples[0].time > Self.speedTime {
                state.samples.removeFirst()
            }
            let first = state.samples[0]
            let seconds = (now - first.time) / .seconds(1)
            let speed = seconds > 0 ? Int64(Double(done - first.done) / seconds) : nil
            // The last column stays free: a terminal may go on to the next line behind it.
            let line = Self.line(state.label, done, of: state.total, speed: speed, width: screen.width() - 1)
            screen.write("\r\(line)\u{1B}[K")
        }
    }

    /// Removes the line.
    func clear() {
        state.withLock { state in
            if state.lastDrawn != nil { screen.write("\r\u{1B}[K") }
            state = State()
        }
    }

    /// The line's text, in at most so many columns.
    ///
    /// `speed` is in bytes a second; nil where nothing can be said yet.
    static func line(_ label: String, _ done: Int64, of total: Int64, speed: Int64?, width: Int) -> String {
        let share = total > 0 ? Double(min(max(done, 0), total)) / Double(total) : 1
        let percentage = "\(Int((share * 100).rounded(.down)))%".padded(to: 4)
        let size = "\(done.byteText)/\(total.byteText)".padded(to: total.byteText.count * 2 + 1)
        let rate = (speed.map { "\(max($0, 0).byteText)/s" } ?? "").padded(to: 9)
        // From the richest to the poorest: what is left of the width is the bar, or is not enough.
        for tail in ["\(percentage)  \(size)  \(rate)", "\(percentage)  \(size)", percentage] {
            let room = width - tail.count - 2
            let label = label.printable(limit: 40)
            guard room >= label.columns else { continue }
            let bar = bar(share, width: min(room - label.columns - 2, 40))
            return ([label] + (bar.map { [$0] } ?? []) + [tail]).joined(separator: "  ")
        }
        return width >= percentage.count ? percentage : ""
    }

    private static func bar(_ share: Double, width: Int) -> String? {
        guard width >= 10 else { return nil }
        let full = Int((share * Double(width - 2)).rounded(.down))
        let head = full < width - 2 ? ">" : ""
        let rest = width - 2 - full - head.count
        return "[" + String(repeating: "=", count: full) + head + String(repeating: " ", count: rest) + "]"
    }
}

extension String {
    /// How many columns a terminal needs for it at most.
    fileprivate var columns: Int {
        // Scripts of wide characters begin at Hangul's.
        unicodeScalars.reduce(0) { $0 + ($1.value >= 0x1100 ? 2 : 1) }
    }

    /// The text at the right end of so many columns.
    fileprivate func padded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
