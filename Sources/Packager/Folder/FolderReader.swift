import Archive

/// Takes an archive of a root folder as it arrives, compressed or not, and learns what is in it.
///
///     reader.append(bytes)
///     while let chunk = try reader.next() { … }   // keeps the archive's bytes, of which it remembers places
///
/// The archive comes out decompressed and in portions, so that whoever keeps it decides how large it may become. A
/// reader that has thrown is of no more use.
package struct FolderReader: ~Copyable, Sendable {
    /// As much of a file's beginning as settles whether it may be such an archive.
    package static let beginningSize = Tar.blockSize

    private let compression: StreamCompression
    private var stream: DecompressedStream
    private var archive = TarReader()
    private var index = FolderIndex()

    /// Looks at the first ``beginningSize`` bytes of a file, or all there are; nil where it is no archive.
    ///
    /// A compressed file may turn out later to hold something else.
    package init?(beginning: [UInt8]) {
        compression = StreamCompression(beginning: beginning)
        guard compression != .none || TarReader.recognises(beginning: beginning) else { return nil }
        stream = DecompressedStream(compression)
    }

    /// Takes the file's next bytes.
    package mutating func append(_ bytes: [UInt8]) { stream.append(bytes) }

    /// Gives the archive's next bytes; nil when more of the file is needed.
    ///
    /// - Throws: ``PackagingError/refused(_:)``.
    package mutating func next() throws(PackagingError) -> [UInt8]? {
        let chunk: [UInt8]
        do {
            guard let next = try stream.next() else { return nil }
            chunk = next
        } catch {
            throw .refused(.damaged(error.description))
        }
        let events: [TarReader.Event]
        do {
            events = try archive.append(chunk)
        } catch {
            throw problem(error)
        }
        for case .member(let header) in events { try index.add(header) }
        return chunk
    }

    /// Ends the archive, once the whole file has been appended and ``next()`` has given nil.
    ///
    /// - Throws: ``PackagingError/refused(_:)``.
    consuming func finish(adding baseFiles: [BaseFile]) throws(PackagingError) -> RootFolder {
        do {
            try stream.finish()
        } catch {
            throw .refused(.cutShort(error.description))
        }
        do {
            try archive.finish()
        } catch {
            throw problem(error)
        }
        return try index.finish(adding: baseFiles)
    }

    private func problem(_ error: TarReaderError) -> PackagingError {
        switch error {
        case .notAnArchive: .refused(.notAnArchive(compression))
        case .cutShort: .refused(.cutShort(error.description))
        case .damagedHeader, .malformedHeader, .recordsTooLarge, .nameNotUTF8:
            .refused(.damaged(error.description))
        }
    }
}
