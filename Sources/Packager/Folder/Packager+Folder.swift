import Archive
import Executables
import OCI

extension Packager {
    /// Makes an image of a root folder, of which `reader` has seen the whole archive.
    ///
    /// The layer's bytes are a function of what is in the folder, not of the order in which it was archived. Memory
    /// grows with the number of files, not with what is in them.
    ///
    /// - Parameters:
    ///   - reader: What has read the archive.
    ///   - name: What the image is called.
    ///   - options: Of these `entrypoint` names the program, by a path in the folder.
    ///   - read: Reads exactly the bytes of a range of the archive, at most a few megabytes.
    ///   - write: Takes the layer's next bytes.
    /// - Returns: The image, of which the layer has been written.
    /// - Throws: ``PackagingError``, what `read` and `write` throw, and `CancellationError`.
    package func package(
        _ reader: consuming FolderReader,
        name: ExecutableName,
        options: PackagingOptions,
        reading read: (Range<UInt64>) async throws -> [UInt8],
        writing write: ([[UInt8]]) async throws -> Void
    ) async throws -> PackagedImage {
        let selection = ImageAssembly.selection(options)
        let folder = try reader.finish(adding: baseFiles.files(selection))
        let entrypoint = options.entrypoint?.first ?? name.path
        let (path, contents) = try folder.program(at: entrypoint)
        let program = try await executable(path, contents, reading: read)
        var writer = LayerWriter(LayerBeginning(), codec: LayerCodec(options), workers: workers)
        var digest: Digest?
        for (place, entry) in folder.sorted(executable: path) {
            let header = try Self.header(place, entry)
            try await write(writer.write(header))
            switch entry.kind {
            case .directory, .symbolicLink, .hardLink: break
            case .baseFile(let bytes): try await write(writer.write(bytes.padded))
            case .file(let range):
                var digester: Digester? = place == path ? Digester() : nil
                for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.portion) {
                    let bytes = try await read(start..<min(range.upperBound, start + UInt64(Self.portion)))
                    digester?.update(bytes)
                    try await write(writer.write(bytes.padded))
                }
                if let digester { digest = digester.finish() }
            }
        }
        let (chunks, layer) = try await writer.finish()
        try await write(chunks)
        guard let digest else { preconditionFailure("the program is no entry of its folder") }
        let hasCertificates = folder.baseFiles.contains(BaseFiles.certificatesPath)
        let assembly = ImageAssembly(
            name: name,
            options: options,
            certificates: hasCertificates ? baseFiles.certificates : nil,
            timeZones: selection.contains(.timeZones) ? baseFiles.timeZones : nil,
            notes: ImageAssembly.notes(on: selection, of: baseFiles)
                + ImageAssembly.notes(on: options, program: "/" + path.text) { folder.contains($0) },
            fileCount: folder.fileCount,
            hasOwnCertificates: folder.hasFile(at: BaseFiles.certificatesPath)
        )
        let executable = PackagedExecutable(path: "/" + path.text, digest: digest, size: program.size)
        return assembly.image(of: program, as: executable, in: layer)
    }

    /// What is read at once of a file: a multiple of a block, so that only a file's last portion is padded.
    private static let portion = 512 * 1024

    /// Inspects the program as one that comes alone is inspected.
    private func executable(
        _ path: ArchivePath,
        _ contents: Range<UInt64>,
        reading read: (Range<UInt64>) async throws -> [UInt8]
    ) async throws -> StaticExecutable {
        let verdict = try await ExecutableVerdict(ofFileWithSize: UInt64(contents.count)) { range in
            let start = contents.lowerBound
            return try await read(start + range.lowerBound..<start + range.upperBound)
        }
        switch verdict {
        case .refused(let refusal):
            throw PackagingError.refused(UploadRefusal(refusal, of: path.printable))
        case .runnable(let program): return program
        }
    }

    private static func header(_ path: ArchivePath, _ entry: FolderEntry) throws -> [UInt8] {
        let kind: TarEntry.Kind =
            switch entry.kind {
            case .directory: .directory
            case .file(let range): .file(size: UInt64(range.count))
            case .baseFile(let bytes): .file(size: UInt64(bytes.count))
            case .symbolicLink(let target): .symbolicLink(target: target)
            case .hardLink(let target): .hardLink(target: target.text)
            }
        do {
            return try TarEntry(kind, path: path.text, mode: entry.mode, owner: entry.owner).header
        } catch {
            throw PackagingError.refused(.illegalName(path.printable))
        }
    }
}

extension [UInt8] {
    /// With the zeros that fill the last block.
    fileprivate var padded: [UInt8] {
        let size = Tar.paddingSize(afterContentsOfSize: UInt64(count))
        return size == 0 ? self : self + [UInt8](repeating: 0, count: size)
    }
}
