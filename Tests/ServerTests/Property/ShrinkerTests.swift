import TestSupport
import Testing

/// Failing sequences made short.
@Suite("Shrinking")
struct ShrinkerTests {
    private func shrink(_ steps: [Int], _ fails: @escaping ([Int]) -> Bool) async throws -> [Int] {
        var shrinker = Shrinker<Int>(simpler: { $0 > 0 ? [0, $0 / 2, $0 - 1] : [] }, fails: { fails($0) })
        return try await shrinker.shrink(steps)
    }

    @Test("What does not matter goes, and what matters becomes as small as it can")
    func minimal() async throws {
        let seed = TestSeed.current
        var random = seed.random()
        for _ in 1...20 {
            let steps = (0..<60).map { _ in Int.random(in: 0...40, using: &random) } + [30, 35, 9]
            let one = try await shrink(steps) { $0.contains { $0 >= 30 } }
            #expect(one == [30], "\(seed)")
            let sum = try await shrink(steps) { $0.reduce(0, +) >= 50 }
            #expect(sum.reduce(0, +) == 50, "\(seed)")
            let ordered = try await shrink(steps) { steps in
                guard let first = steps.firstIndex(where: { $0 >= 20 }) else { return false }
                return steps[first...].dropFirst().contains { $0 >= 9 }
            }
            #expect(ordered == [20, 9], "\(seed)")
        }
    }

    @Test("A sequence that cannot be made shorter stays")
    func fixed() async throws {
        #expect(try await shrink([1, 1, 1]) { $0 == [1, 1, 1] } == [1, 1, 1])
    }

    @Test("It ends, also where every sequence fails or the attempts are used up")
    func ends() async throws {
        #expect(try await shrink([5, 6, 7]) { _ in true } == [0])
        var shrinker = Shrinker<Int>(simpler: { [$0 + 1] }, fails: { _ in true }, attempts: 10)
        #expect(try await shrinker.shrink([1, 2]).count == 1)
    }
}
