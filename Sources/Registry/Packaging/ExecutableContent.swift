package import Packager
package import Storage

/// The bytes of an executable, as its image's layer holds them.
package struct ExecutableContent: Sendable {
    package let executable: PackagedExecutable
    /// The layer.
    package let blob: OpenBlob

    /// Where in the layer's file they stand as they are; nil for a layer that is compressed.
    package let storedRange: Range<Int64>?

    /// Begins to read part of the executable.
    ///
    /// `range`: within the executable, and not empty.
    package func reader(_ range: Range<Int64>) async throws -> ExecutableReader {
        try await ExecutableReader(executable, range, in: blob)
    }
}
