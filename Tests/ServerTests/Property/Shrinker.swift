/// Makes a sequence of steps that shows a failure as short and as simple as it can.
struct Shrinker<Step: Sendable> {
    /// Simpler steps to try in a step's place, the simplest first.
    let simpler: (Step) -> [Step]
    /// Simpler sequences to try in a sequence's place, as long as it.
    var simplerThroughout: ([Step]) -> [[Step]] = { _ in [] }
    /// Whether a sequence still fails.
    let fails: ([Step]) async throws -> Bool
    /// How often to try.
    var attempts = 400

    /// The shortest failing sequence that was found: removing any one of its steps makes it pass.
    mutating func shrink(_ steps: [Step]) async throws -> [Step] {
        var steps = steps
        var isChanging = true
        while isChanging, attempts > 0 {
            isChanging = false
            var size = max(1, steps.count / 2)
            while true {
                isChanging = try await remove(size, from: &steps) || isChanging
                if size == 1 { break }
                size = max(1, size / 2)
            }
            isChanging = try await simplifyThroughout(&steps) || isChanging
            isChanging = try await simplify(&steps) || isChanging
        }
        return steps
    }

    /// Removes runs of so many steps wherever that leaves a failure.
    private mutating func remove(_ size: Int, from steps: inout [Step]) async throws -> Bool {
        var isChanged = false
        // From the end: what comes last seldom prepares anything.
        var end = steps.count
        while end > 0 {
            let start = max(0, end - size)
            var shorter = steps
            shorter.removeSubrange(start..<end)
            if try await stillFails(shorter) {
                steps = shorter
                isChanged = true
            }
            end = start
        }
        return isChanged
    }

    private mutating func simplifyThroughout(_ steps: inout [Step]) async throws -> Bool {
        for simplified in simplerThroughout(steps) where try await stillFails(simplified) {
            steps = simplified
            return true
        }
        return false
    }

    private mutating func simplify(_ steps: inout [Step]) async throws -> Bool {
        var isChanged = false
        for index in steps.indices {
            for step in simpler(steps[index]) {
                var simplified = steps
                simplified[index] = step
                guard try await stillFails(simplified) else { continue }
                steps = simplified
                isChanged = true
                break
            }
        }
        return isChanged
    }

    private mutating func stillFails(_ steps: [Step]) async throws -> Bool {
        guard attempts > 0, !steps.isEmpty else { return false }
        attempts -= 1
        return try await fails(steps)
    }
}
