import Synchronization
import Testing

@testable import Commands

@Suite("The progress bar")
struct ProgressBarTests {
    @Test(
        "fits into the width that there is",
        arguments: [
            (
                79,
                "packing app  [=================>                 ]   50%  5.00 MB/10.0 MB  1.00 MB/s"
                    .count
            ), (60, 60), (40, 40), (30, 30), (20, 20), (10, 10), (4, 4), (3, 3), (0, 0), (-5, 0),
        ]
    )
    func width(width: Int, atMost: Int) {
        for label in ["packing app", "日本語", String(repeating: "long ", count: 20)] {
            for done in [Int64(0), 1, 5_000_000, 9_999_999, 10_000_000, 20_000_000] {
                let line = ProgressBar.line(label, done, of: 10_000_000, speed: 1_000_000, width: width)
                #expect(line.count <= max(0, min(width, atMost)), "\(line)")
            }
        }
    }

    @Test("shows how far it is")
    func line() {
        #expect(
            ProgressBar.line("packing app", 5_000_000, of: 10_000_000, speed: 1_000_000, width: 79)
                == "packing app  [===============>              ]   50%  5.00 MB/10.0 MB  1.00 MB/s"
        )
        #expect(ProgressBar.line("a", 10, of: 10, speed: nil, width: 30) == "a  100%  10 B/10 B           ")
        #expect(ProgressBar.line("a", 0, of: 0, speed: nil, width: 9) == "a  100%")
        #expect(
            ProgressBar.line("a\u{1B}[2J\n", 0, of: 10, speed: nil, width: 20).contains("\u{1B}") == false
        )
    }

    @Test("is drawn ten times a second at most, begins anew after a failure, and leaves nothing behind")
    func drawing() {
        let start = ContinuousClock.now
        let time = Mutex(Duration.zero)
        let written = Mutex<[String]>([])
        let bar = ProgressBar(
            on: ProgressBar.Screen(
                write: { text in written.withLock { $0.append(text) } },
                width: { 80 },
                now: { start + time.withLock { $0 } }
            )
        )
        bar.clear()
        #expect(written.withLock { $0 }.isEmpty)
        bar.begin("sending", total: 1000)
        for step in 1...1000 {
            time.withLock { $0 = .milliseconds(step) }
            bar.update(Int64(step))
        }
        #expect(written.withLock { $0.count } == 11)
        time.withLock { $0 = .seconds(2) }
        bar.update(0)
        #expect(written.withLock { $0.last }?.contains("0%") == true)
        bar.clear()
        #expect(written.withLock { $0.last } == "\r\u{1B}[K")
        let count = written.withLock { $0.count }
        bar.clear()
        #expect(written.withLock { $0.count } == count)
        #expect(written.withLock { $0.allSatisfy { $0.hasPrefix("\r") && $0.hasSuffix("\u{1B}[K") } })
    }
}
