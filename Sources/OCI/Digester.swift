import Crypto

/// Computes a digest of bytes as they pass.
///
/// A copy goes on by itself, so the state of a common beginning can be kept and copied.
package struct Digester: Sendable {
    private enum State {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var state: State
    /// Which hash function runs.
    package let algorithm: SupportedAlgorithm

    /// Starts with no bytes seen.
    package init(_ algorithm: SupportedAlgorithm = .sha256) {
        self.algorithm = algorithm
        switch algorithm {
        case .sha256: state = .sha256(SHA256())
        case .sha512: state = .sha512(SHA512())
        }
    }

    /// Takes in the next bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha256(hash)
        case .sha512(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha512(hash)
        }
    }

    /// Takes in the next bytes.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable {
            update(UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil {
            // SAFETY: the bytes are used within the closure alone.
            Array(bytes).withUnsafeBytes { update($0) }
        }
    }

    /// The digest of all bytes so far.
    ///
    /// The digester may go on afterwards.
    package func finish() -> Digest {
        switch state {
        case .sha256(let hash): Digest(algorithm: .sha256, hash: hash.finalize())
        case .sha512(let hash): Digest(algorithm: .sha512, hash: hash.finalize())
        }
    }
}
