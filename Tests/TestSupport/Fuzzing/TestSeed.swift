import Foundation

/// Where the random tests of a run begin.
///
/// A failure says it, as what to put into the environment to have the same run again.
package struct TestSeed: Hashable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// This run's: `BERTH_TEST_SEED` of the environment, or any.
    package static let current = TestSeed(
        ProcessInfo.processInfo.environment["BERTH_TEST_SEED"].flatMap { UInt64($0) }
            ?? .random(in: .min ... .max)
    )

    /// The sequence that begins here; another for each number.
    package func random(_ number: Int = 0) -> SplitMix {
        SplitMix(seed: value &+ UInt64(number) &* 0xD134_2543_DE82_EF95)
    }
}

extension TestSeed: CustomStringConvertible {
    package var description: String { "BERTH_TEST_SEED=\(value)" }
}
