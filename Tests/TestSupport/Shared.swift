import Synchronization

/// A value that several tasks of a test look at and change.
package final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    package init(_ value: Value) { state = Mutex(value) }

    package var value: Value { state.withLock { $0 } }

    /// Changes the value while nobody else does.
    @discardableResult
    package func update<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try state.withLock { value in try body(&value) }
    }
}

extension Shared where Value == Int {
    /// Adds one, and returns what that makes.
    @discardableResult
    package func increment() -> Int {
        update { value in
            value += 1
            return value
        }
    }
}
