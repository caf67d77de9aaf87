import ArgumentParser
import OCI

/// An image, or a repository, in this storage folder or in another registry, as `berth copy` takes it.
///
/// What stands before the first slash is a registry if docker would take it for one: it has a dot, a colon or a capital
/// letter in it, or is `localhost`. Anything else is a repository of the storage folder; Docker Hub is written out.
struct ImageLocation: Hashable, Sendable {
    /// Nil for the storage folder.
    let registry: RegistryHost?
    let repository: RepositoryName
    /// Nil where neither a tag nor a digest was written.
    let reference: Reference?

    /// - Throws: `ValidationError`.
    init(_ text: String) throws {
        guard !text.contains("://") else {
            throw ValidationError("\(text.printable): \(RemoteImageError.scheme)")
        }
        let slash = text.firstIndex(of: "/")
        let first = text[..<(slash ?? text.startIndex)]
        var path = text
        do {
            if let slash, RemoteImage.isHost(first) {
                let host = try RegistryHost(first)
                registry = host
                path = String(text[text.index(after: slash)...])
                if host.isDockerHub, !path.contains("/") { path = "library/\(path)" }
            } else {
                registry = nil
            }
            let name = try ImageName(path)
            repository = name.repository
            reference = path == name.repository.rawValue ? nil : name.reference
        } catch let error as RemoteImageError {
            throw ValidationError("\(text.printable): \(error)")
        } catch let error as ImageNameError {
            throw ValidationError("\(text.printable): \(error)")
        }
    }

    /// A repository of the storage folder.
    init(own repository: RepositoryName) {
        (registry, self.repository, reference) = (nil, repository, nil)
    }

    /// An image or a repository of the storage folder, whatever a part of its name looks like.
    ///
    /// - Throws: `ValidationError`.
    init(own text: String) throws {
        let name: ImageName
        do { name = try ImageName(text) } catch { throw ValidationError("\(text.printable): \(error)") }
        registry = nil
        repository = name.repository
        reference = text == name.repository.rawValue ? nil : name.reference
    }

    /// A client for its repository.
    ///
    /// `owner`: the socket of the storage folder's owner; nil where neither side is there.
    func client(
        _ transport: RegistryTransport,
        owner: OwnerConnection?,
        credentials: CredentialSources,
        plainHTTP: Bool,
        actions: String
    ) throws -> RegistryClient {
        guard let registry else {
            guard let owner else { preconditionFailure("the storage folder has an owner where it is named") }
            return try .owner(repository, transport.through(socket: owner.socketPath))
        }
        return RegistryClient(
            registry,
            repository,
            plainHTTP: plainHTTP,
            credentials: credentials,
            transport: transport,
            actions: actions
        )
    }

    /// What it is called with a tag or a digest.
    func name(_ reference: Reference) -> String {
        "\(registry.map { "\($0)/" } ?? "")\(ImageName(repository: repository, reference: reference))"
    }
}

extension ImageLocation: CustomStringConvertible {
    var description: String { "\(registry.map { "\($0)/" } ?? "")\(repository)" }
}
