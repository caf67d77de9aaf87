import Glibc
import NIOPosix
import OCI
import Storage

/// Where credentials for registries are looked for: docker's files, and podman's.
struct CredentialSources: Sendable {
    /// In the order in which they are asked.
    let paths: [String]

    /// Finds the files' places as docker and podman do.
    init(environment: [String: String]) {
        func folder(_ variable: String) -> String? {
            environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        let home = folder("HOME")
        var paths: [String?] = [folder("REGISTRY_AUTH_FILE")]
        paths.append((folder("DOCKER_CONFIG") ?? home.map { "\($0)/.docker" }).map { "\($0)/config.json" })
        paths.append(folder("XDG_RUNTIME_DIR").map { "\($0)/containers/auth.json" })
        let configuration = folder("XDG_CONFIG_HOME") ?? home.map { "\($0)/.config" }
        paths.append(configuration.map { "\($0)/containers/auth.json" })
        self.paths = paths.compactMap { $0 }
    }

    /// The first credential that there is for a repository; nil where nobody has one.
    func credential(for registry: RegistryHost, _ repository: RepositoryName) async throws -> FoundCredential?
    {
        for path in paths {
            let bytes = try await NIOThreadPool.singleton.runIfActive { try Self.contents(of: path) }
            guard let bytes else { continue }
            let file = try CredentialFile(parsing: bytes, path: path)
            if let name = file.helper(for: registry) {
                let helper = try CredentialHelper(name)
                // Docker keeps what belongs to its Hub under the address of an old API.
                let server = registry.isDockerHub ? "https://index.docker.io/v1/" : registry.description
                if let credential = try await helper.credential(for: server) {
                    return FoundCredential(credential: credential, place: helper.program)
                }
            }
            if let credential = file.credential(for: registry, repository) {
                return FoundCredential(credential: credential, place: path)
            }
        }
        return nil
    }

    /// Nil for a file that is not there.
    private static func contents(of path: String) throws -> [UInt8]? {
        do {
            return try SmallFile.contents(of: path, limit: CredentialFile.maximumSize)
        } catch let error as FileError {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw CredentialFileError(path, "cannot be read: \(String(cString: strerror(error.code)))")
        }
    }
}
