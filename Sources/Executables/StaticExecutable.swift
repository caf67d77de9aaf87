/// A program that Linux runs without any other file: what an inspection found it to be.
package struct StaticExecutable: Hashable, Sendable {
    package let architecture: Architecture
    /// The version of the architecture that it needs, such as `v7`; nil but for 32-bit Arm.
    package let variant: String?
    /// The file's size in bytes.
    package let size: UInt64
    /// Whether the program runs at any address (static-pie) rather than at the one it was linked for.
    package let isPositionIndependent: Bool
    /// What the program tells about how it was built.
    package let buildInfo: BuildInfo

    /// The operating system's name in images; no other has executables that pass the inspection.
    package var operatingSystem: String { "linux" }
}

/// What an inspection says about a file.
package enum ExecutableVerdict: Hashable, Sendable {
    case runnable(StaticExecutable)
    case refused(ExecutableRefusal)

    /// Inspects a whole file, of which it reads headers, names, notes and build information only.
    ///
    /// - Throws: ``ByteSourceError`` only when the source itself fails; whatever its bytes are has a verdict.
    package init(of source: borrowing some ByteSource) throws(ByteSourceError) {
        let prefix = try source.bytes(at: 0, atMost: FileFormat.prefixLength)
        guard prefix.starts(with: ELFHeader.magic) else {
            self = .refused(FileFormat.refusal(prefix))
            return
        }
        do {
            self = try ELFInspection.verdict(of: source)
        } catch {
            switch error {
            case .unreadable(let cause): throw cause
            case .cutShort(let size): self = .refused(.cutShort(impliedSize: size, actualSize: source.size))
            case .malformed(let defect): self = .refused(.malformed(defect))
            }
        }
    }

    /// Refuses a file by its first bytes, while the rest is still arriving.
    ///
    /// A refusal is the one that the whole file would get. What is wrong with most programs that are not
    /// static shows only in the whole file, so nil promises nothing. At least 512 bytes have to be there
    /// unless the file is shorter; 4 KiB show most of what can show early.
    ///
    /// - Parameters:
    ///   - beginning: The first bytes of the file.
    ///   - size: How large the whole file is announced to be.
    /// - Returns: nil as long as nothing speaks against the file.
    package static func earlyRefusal(beginning: [UInt8], size: UInt64) -> ExecutableRefusal? {
        var arrived = PartialBytes(ofFileWithSize: size)
        arrived.insert(beginning, at: 0)
        guard case .refused(let refusal) = try? ExecutableVerdict(of: arrived) else { return nil }
        return refusal
    }

    /// Inspects a whole file that can only be read asynchronously.
    ///
    /// - Parameters:
    ///   - size: The size of the file.
    ///   - read: Reads exactly the bytes of a range within the file, which is at most a few megabytes long.
    /// - Throws: Only what `read` throws; whatever the file's bytes are has a verdict.
    package init(
        ofFileWithSize size: UInt64,
        reading read: (Range<UInt64>) async throws -> [UInt8]
    ) async throws {
        var fetched = PartialBytes(ofFileWithSize: size)
        // Every round gets further, as it asks only for what no earlier one fetched; an inspection's own
        // limits bound their number.
        while true {
            do {
                self = try ExecutableVerdict(of: fetched)
                return
            } catch .absent(let range) {
                let bytes = try await read(range)
                precondition(bytes.count == range.count, "a read gives exactly what it is asked for")
                fetched.insert(bytes, at: range.lowerBound)
            }
        }
    }
}
