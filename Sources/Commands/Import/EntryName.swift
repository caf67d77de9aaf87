import OCI

/// What a layout or an archive calls one of its images.
enum EntryName: Hashable, Sendable {
    case image(RepositoryName, Tag)
    /// A tag without a repository, as most tools write it.
    case tag(Tag)
    case unnamed

    /// What containerd, and docker over it, calls an image.
    static let dockerName = "io.containerd.image.name"

    /// Reads the annotations of an entry of a layout's index.
    ///
    /// - SeeAlso: image-spec v1.1.1, annotations.md, `org.opencontainers.image.ref.name`
    init(_ annotations: [String: String]) {
        let reference = annotations[ImageLayout.referenceName]
        if let reference, reference.utf8.contains(where: { "/:".utf8.contains($0) }) {
            if let name = try? ImageName(reference), case .tag(let tag) = name.reference {
                self = .image(name.repository, tag)
                return
            }
            if let name = EntryName(docker: reference) {
                self = name
                return
            }
        }
        if let name = annotations[Self.dockerName].flatMap({ EntryName(docker: $0) }) {
            self = name
        } else if let tag = reference.flatMap({ try? Tag($0) }) {
            self = .tag(tag)
        } else {
            self = .unnamed
        }
    }

    /// Reads a name as docker has it, without the registry; nil for anything else.
    init?(docker text: String) {
        guard let image = try? RemoteImage(text) else { return nil }
        let path = image.repository.rawValue
        let own =
            image.registry.isDockerHub && path.hasPrefix("library/")
            ? path.dropFirst("library/".count) : path[...]
        guard let repository = try? RepositoryName(own) else { return nil }
        self = .image(repository, image.tag)
    }
}

/// Something that a layout or an archive lists.
struct ImportEntry: Hashable, Sendable {
    let descriptor: Descriptor
    let name: EntryName
}

/// What is to be called how.
struct NamedEntry: Hashable, Sendable {
    let repository: RepositoryName
    let tag: Tag
    let descriptor: Descriptor

    var name: String { "\(repository):\(tag)" }
}

/// What `--as` says.
struct RequestedName: Hashable, Sendable {
    let repository: RepositoryName
    /// Nil where none was given.
    let tag: Tag?

    init(_ text: String) throws {
        let name: ImageName
        do { name = try ImageName(text) } catch { throw CommandError("--as \(text.printable): \(error)") }
        guard case .tag(let tag) = name.reference else {
            throw CommandError("--as takes a name and a tag, and no digest")
        }
        repository = name.repository
        self.tag = text == name.repository.rawValue ? nil : tag
    }

    /// Gives every entry its name.
    ///
    /// `entries`: all but those that only say something about others.
    /// - Returns: what is named, and how many are not.
    /// - Throws: `CommandError`, without the name of the source.
    static func named(
        _ entries: [ImportEntry],
        as wanted: RequestedName?
    ) throws -> (named: [NamedEntry], unnamed: Int) {
        guard !entries.isEmpty else { throw CommandError("there is no image in it") }
        if let wanted { return (try wanted.rename(entries), 0) }
        var named: [NamedEntry] = []
        var digests: [String: Digest] = [:]
        var unnamed = 0
        for entry in entries {
            switch entry.name {
            case .image(let repository, let tag):
                let image = NamedEntry(repository: repository, tag: tag, descriptor: entry.descriptor)
                if let other = digests.updateValue(image.descriptor.digest, forKey: image.name) {
                    guard other == image.descriptor.digest else {
                        throw CommandError("it holds several images that are called \(image.name)")
                    }
                } else {
                    named.append(image)
                }
            case .tag(let tag):
                throw CommandError(
                    "it calls an image '\(tag)' and does not say of what: name it, as in --as team/app"
                )
            case .unnamed: unnamed += 1
            }
        }
        guard !named.isEmpty else { throw CommandError("it does not name its images: add --as NAME[:TAG]") }
        return (named, unnamed)
    }

    private func rename(_ entries: [ImportEntry]) throws -> [NamedEntry] {
        if let tag {
            guard Set(entries.map(\.descriptor.digest)).count == 1, let entry = entries.first else {
                throw CommandError(
                    "--as \(repository):\(tag) is the name of one image, and it holds \(entries.count)"
                )
            }
            return [NamedEntry(repository: repository, tag: tag, descriptor: entry.descriptor)]
        }
        var tags: [Tag: Descriptor] = [:]
        for entry in entries {
            let tag: Tag
            switch entry.name {
            case .image(_, let own), .tag(let own): tag = own
            case .unnamed where entries.count == 1: tag = .latest
            case .unnamed: continue
            }
            if let other = tags.updateValue(entry.descriptor, forKey: tag),
                other.digest != entry.descriptor.digest
            {
                throw CommandError("it holds several images that would be \(repository):\(tag)")
            }
        }
        guard !tags.isEmpty else {
            throw CommandError(
                "--as \(repository) would be the name of \(entries.count.counted("image")), none of which has a tag"
            )
        }
        return tags.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { NamedEntry(repository: repository, tag: $0.key, descriptor: $0.value) }
    }
}
