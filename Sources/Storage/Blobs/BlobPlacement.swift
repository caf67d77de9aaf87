import Synchronization

/// How verified content gets to its place, within the transaction that makes it a blob.
///
/// The calls block, for microseconds.
package final class BlobPlacement: Sendable {
    private let put: @Sendable () throws -> Void
    private let isThere: @Sendable () -> Bool
    private let takeBack: @Sendable () -> Void
    private let isPlaced = Mutex(false)

    /// Wraps an implementation's three steps.
    ///
    /// - Parameters:
    ///   - put: moves the content to its place, over whatever is there.
    ///   - isThere: whether something of the content's size is in its place.
    ///   - takeBack: the reverse of `put`; called only after it.
    package init(
        put: @escaping @Sendable () throws -> Void,
        isThere: @escaping @Sendable () -> Bool,
        takeBack: @escaping @Sendable () -> Void
    ) {
        self.put = put
        self.isThere = isThere
        self.takeBack = takeBack
    }

    /// Puts the content into its place, over whatever is there.
    package func replace() throws {
        try put()
        isPlaced.withLock { $0 = true }
    }

    /// Puts the content into its place unless it is there already, and says whether it had to.
    package func ensure() throws -> Bool {
        guard !isThere() else { return false }
        try replace()
        return true
    }

    /// Takes the content back where the transaction failed, if it was put anywhere.
    package func undo() {
        let mustTakeBack = isPlaced.withLock { isPlaced in
            defer { isPlaced = false }
            return isPlaced
        }
        if mustTakeBack { takeBack() }
    }
}
