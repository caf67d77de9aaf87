import FoundationEssentials
import Glibc
import NIOPosix
import OCI
import Storage

/// An OCI image layout in a folder or an archive, or an archive of `docker save`.
///
/// - SeeAlso: image-spec v1.1.1, image-layout.md; moby, image/spec/v1.2.md
struct ImportSource: ImageSource {
    /// What it is called in messages.
    let name: String
    /// What its index lists.
    let entries: [ImportEntry]
    private let files: Files
    /// Manifests that were made for images without one.
    private let documents: [Digest: [UInt8]]
    /// Where blobs are that do not lie under their digests.
    private let parts: [Digest: FilePart]
    /// Manifests that say something about others.
    private(set) var loose: [ImagePush.Step] = []

    private enum Files: Sendable {
        case folder(LayoutFiles)
        case archive(ArchiveIndex)

        func file(_ path: String) throws -> FilePart? {
            switch self {
            case .archive(let index): index.file(path)
            case .folder(let files): try files.file(path)
            }
        }
    }

    /// Opens a folder or a file; what cannot be read in place is copied to a folder that stays as long as this does.
    ///
    /// - Throws: `CommandError` that names the source.
    static func open(_ path: String, in scratch: ScratchFolder, number: Int) async throws -> ImportSource {
        let name = path == ArchiveSpool.standardInput ? "standard input" : path.printable(limit: .max)
        do {
            let isFolder = path != ArchiveSpool.standardInput && FolderContent.isFolder(path)
            let file = isFolder ? path : try await ArchiveSpool.file(path, in: scratch, number: number)
            var source = try await NIOThreadPool.singleton.runIfActive {
                try ImportSource(
                    name,
                    isFolder ? .folder(LayoutFiles(file)) : .archive(ArchiveIndex(contentsOf: file))
                )
            }
            try await source.findLoose()
            return source
        } catch let error as CommandError {
            throw CommandError("\(name): \(error)")
        } catch let error as FileError {
            throw CommandError(error, "read", name)
        }
    }

    private struct Index: Decodable {
        let manifests: [Descriptor]
    }

    private init(_ name: String, _ files: Files) throws {
        self.name = name
        self.files = files
        let saved = try SavedImage.list(try files.file("manifest.json"))
        if let index = try files.file("index.json") {
            let document = try Self.decode(Index.self, index, "index.json")
            let tags = Dictionary((saved ?? []).map { ($0.configuration, $0.names) }) { $0 + $1 }
            (documents, parts) = ([:], [:])
            entries = try document.manifests.flatMap { descriptor -> [ImportEntry] in
                let own = EntryName(descriptor.annotations)
                guard own == .unnamed, !tags.isEmpty,
                    let configuration = try Self.configuration(of: descriptor, files)
                else { return [ImportEntry(descriptor: descriptor, name: own)] }
                let names = tags["blobs/\(configuration.algorithm)/\(configuration.encoded)"] ?? []
                return (names.isEmpty ? [.unnamed] : names).map {
                    ImportEntry(descriptor: descriptor, name: $0)
                }
            }
        } else if let saved {
            var images: [ImportEntry] = []
            var (documents, parts): ([Digest: [UInt8]], [Digest: FilePart]) = ([:], [:])
            for image in saved {
                let made = try image.manifest {
                    try files.file($0)
                } noting: {
                    parts[$0] = $1
                }
                let descriptor = Descriptor(
                    mediaType: .dockerManifest,
                    digest: Digest(of: made),
                    size: Int64(made.count)
                )
                documents[descriptor.digest] = made
                images += (image.names.isEmpty ? [.unnamed] : image.names).map {
                    ImportEntry(descriptor: descriptor, name: $0)
                }
            }
            (self.documents, self.parts, entries) = (documents, parts, images)
        } else {
            throw CommandError(
                "it is neither an OCI image layout nor what docker save writes: there is no index.json in it"
            )
        }
    }

    /// The configuration of what may be an image.
    private static func configuration(of descriptor: Descriptor, _ files: Files) throws -> Digest? {
        guard let part = try files.file("blobs/\(descriptor.digest.algorithm)/\(descriptor.digest.encoded)"),
            let manifest = try? Manifest(
                parsing: part.contents(limit: Manifest.maximumSize),
                contentType: descriptor.mediaType
            ), case .image(let configuration, _) = manifest.content
        else { return nil }
        return configuration.digest
    }

    fileprivate static func decode<Document: Decodable>(
        _ type: Document.Type,
        _ part: FilePart,
        _ name: String
    ) throws -> Document {
        let bytes = try part.contents(limit: maximumDocumentSize)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw CommandError("\(name): \(error.summary)")
        } catch {
            throw CommandError("\(name) is no JSON")
        }
    }

    /// An index of hundred thousand images.
    private static let maximumDocumentSize = 32 * 1024 * 1024

    /// Finds what says something about others, also where it has a name of its own besides.
    ///
    /// What is missing is no reason to refuse the rest.
    private mutating func findLoose() async throws {
        var seen: Set<Digest> = []
        for entry in entries where seen.insert(entry.descriptor.digest).inserted {
            do {
                guard try await readManifest(entry.descriptor).manifest.subject != nil else { continue }
                loose += try await steps(to: entry.descriptor)
            } catch let error as CommandError where error.missing != nil {}
        }
    }

    /// What it lists, but for what only says something about others.
    var images: [ImportEntry] {
        let digests = Set(loose.map(\.descriptor.digest))
        return entries.filter { $0.name != .unnamed || !digests.contains($0.descriptor.digest) }
    }
}

// MARK: - What is in it

extension ImportSource {
    func readManifest(_ descriptor: Descriptor) async throws -> (bytes: [UInt8], manifest: Manifest) {
        let bytes: [UInt8]
        if let document = documents[descriptor.digest] {
            bytes = document
        } else {
            let part = try file(descriptor.digest)
            guard part.size <= Manifest.maximumSize else {
                throw CommandError("\(descriptor.digest): \(ManifestError.tooLarge)")
            }
            bytes = try await NIOThreadPool.singleton.runIfActive {
                try part.contents(limit: Manifest.maximumSize)
            }
        }
        guard let algorithm = descriptor.digest.supportedAlgorithm,
            Digest(of: bytes, algorithm: algorithm) == descriptor.digest
        else { throw CommandError("\(descriptor.digest) is damaged: its bytes are not what its digest says") }
        do {
            return (bytes, try Manifest(parsing: bytes, contentType: descriptor.mediaType))
        } catch {
            throw CommandError("\(descriptor.digest): \(error)")
        }
    }

    func blob(_ descriptor: Descriptor) throws -> BlobSource {
        let part = try file(descriptor.digest)
        guard part.size == descriptor.size else {
            throw CommandError(
                "\(descriptor.digest) is damaged: it has \(part.size) bytes, and not \(descriptor.size)"
            )
        }
        return .file(part)
    }

    func referrers(of subjects: Set<Digest>) async throws -> [ImagePush.Step] {
        ImagePush.Step.referring(to: subjects, among: loose)
    }

    private func file(_ digest: Digest) throws -> FilePart {
        guard digest.isSupported else {
            throw CommandError("\(digest) is of an algorithm that is not supported")
        }
        let path = "blobs/\(digest.algorithm)/\(digest.encoded)"
        guard let part = try parts[digest] ?? files.file(path) else {
            throw CommandError("\(digest) is missing", missing: digest)
        }
        return part
    }
}

/// An image in the `manifest.json` of `docker save`.
struct SavedImage: Decodable {
    let configuration: String
    let tags: [String]?
    let layers: [String]

    private enum CodingKeys: String, CodingKey {
        case configuration = "Config"
        case tags = "RepoTags"
        case layers = "Layers"
    }

    /// What the file lists; nil where there is none.
    fileprivate static func list(_ part: FilePart?) throws -> [SavedImage]? {
        try part.map { try ImportSource.decode([SavedImage].self, $0, "manifest.json") }
    }

    /// What it is called, as far as that can be read.
    var names: [EntryName] { (tags ?? []).compactMap { EntryName(docker: $0) } }
}
