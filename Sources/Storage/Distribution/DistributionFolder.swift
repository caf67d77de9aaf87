import Glibc
import NIOCore
import NIOPosix
package import OCI

/// The data folder of a CNCF distribution registry, such as `registry:2` keeps with its filesystem driver.
///
///     docker/registry/v2/
///         blobs/sha256/<first two digits>/<hex>/data
///         repositories/<name>/_manifests/revisions/sha256/<hex>/link
///         repositories/<name>/_manifests/tags/<tag>/current/link
///         repositories/<name>/_layers/sha256/<hex>/link
///
/// A `link` is a small file that holds a digest. Nothing here is written to.
///
/// - SeeAlso: distribution, registry/storage/paths.go
package struct DistributionFolder: Sendable {
    /// What a manifest's document may have at most.
    private static let maximumManifestSize = Int64(Manifest.maximumSize)
    /// A link holds a digest and perhaps a newline.
    private static let maximumLinkSize: Int64 = 1024

    /// The folder `v2`.
    private let root: String
    private let files = POSIXFileOperations()

    /// Finds the registry in a folder: in `docker/registry/v2` below it, or in the folder itself.
    ///
    /// - Throws: `FileError`: `ENOENT` where there is none.
    package init(_ path: String) async throws {
        root = try await Self.blocking {
            for root in [path + "/docker/registry/v2", path]
            where ["repositories", "blobs"].allSatisfy({ access("\(root)/\($0)/.", F_OK) == 0 }) {
                return root
            }
            throw FileError(operation: "open", path: path + "/docker/registry/v2", code: ENOENT)
        }
    }

    /// What a repository holds.
    package struct Repository: Sendable {
        package var revisions: Set<Digest> = []
        package var tags: [(tag: Tag, digest: Digest)] = []
        /// What cannot be read as either.
        package var problems: [Problem] = []
    }

    /// Something that stands where a name should, and is none.
    package struct Problem: Hashable, Sendable {
        /// Relative to the folder of the repositories.
        package let path: String
        package let reason: String
    }

    /// Where a blob is.
    package func path(of digest: Digest) -> String {
        "\(root)/blobs/\(digest.algorithm)/\(digest.encoded.prefix(2))/\(digest.encoded)/data"
    }

    /// Whether a path is one of this folder's.
    package func contains(_ path: String) -> Bool { path.hasPrefix(root + "/") }

    /// The paths of all repositories below the folder of these, in byte order; whether they are legal names is not looked
    /// at.
    package func repositories() async throws -> [String] {
        try await Self.blocking {
            var found: [String] = []
            var waiting = [""]
            while let path = waiting.popLast() {
                var isRepository = false
                for name in try folders(in: "\(root)/repositories\(path)") {
                    if name == "_manifests" { isRepository = true }
                    // What begins so is no part of a name.
                    guard !name.hasPrefix("_") else { continue }
                    // Deeper than any name can be.
                    guard path.utf8.count <= RepositoryName.maximumLength else { continue }
                    waiting.append("\(path)/\(name)")
                }
                if isRepository, !path.isEmpty { found.append(String(path.dropFirst())) }
            }
            return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// Reads the names of a repository.
    package func repository(_ path: String) async throws -> Repository {
        try await Self.blocking {
            var repository = Repository()
            try readRevisions(of: path, into: &repository)
            let tags = "\(path)/_manifests/tags"
            for name in try folders(in: "\(root)/repositories/\(tags)").sorted() {
                do {
                    let tag = try Tag(name)
                    let digest = try link("\(tags)/\(name)/current/link")
                    repository.tags.append((tag, digest))
                } catch {
                    repository.problems.append(
                        Problem(path: "\(path):\(name)", reason: Self.text(error))
                    )
                }
            }
            return repository
        }
    }

    private func readRevisions(of path: String, into repository: inout Repository) throws {
        let revisions = "\(path)/_manifests/revisions"
        for algorithm in try folders(in: "\(root)/repositories/\(revisions)") {
            for encoded in try folders(in: "\(root)/repositories/\(revisions)/\(algorithm)") {
                let name = "\(algorithm):\(encoded)"
                do {
                    let digest = try Digest(name)
                    // A deleted manifest leaves its folder without the link.
                    guard access("\(root)/repositories/\(revisions)/\(algorithm)/\(encoded)/link", F_OK) == 0
                    else { continue }
                    repository.revisions.insert(digest)
                } catch {
                    repository.problems.append(
                        Problem(path: "\(path)@\(name)", reason: Self.text(error))
                    )
                }
            }
        }
    }

    /// The bytes of a manifest, as they are; nil where there are none, or more than a manifest may have.
    package func manifest(_ digest: Digest) async throws -> [UInt8]? {
        try await Self.blocking {
            do {
                return try contents(of: path(of: digest), limit: Self.maximumManifestSize)
            } catch let error as FileError where error.code == ENOENT || error.code == EFBIG {
                return nil
            }
        }
    }

    /// How many bytes all blobs have, as far as they can be looked at.
    package func totalSize() async throws -> Int64 {
        try await Self.blocking {
            var total: Int64 = 0
            for algorithm in SupportedAlgorithm.allCases {
                let blobs = "\(root)/blobs/\(algorithm.rawValue)"
                for prefix in try folders(in: blobs) {
                    try? files.entries(of: "\(blobs)/\(prefix)") { names in
                        for name in names {
                            var status = stat()
                            guard lstat("\(blobs)/\(prefix)/\(name)/data", &status) == 0 else { continue }
                            total += Int64(status.st_size)
                        }
                    }
                }
            }
            return total
        }
    }

    /// How many bytes a blob has; nil where it is not there.
    package func size(of digest: Digest) -> Int64? {
        var status = stat()
        return lstat(path(of: digest), &status) == 0 ? Int64(status.st_size) : nil
    }
}

// MARK: - Files

extension DistributionFolder {
    /// The folders in a folder, symbolic links aside; none where it does not exist.
    private func folders(in path: String) throws -> [String] {
        var found: [String] = []
        do {
            try files.entries(of: path) { names in
                for name in names where Self.isFolder("\(path)/\(name)") { found.append(name) }
            }
        } catch let error as FileError where error.code == ENOENT {
        }
        return found
    }

    /// Not through a symbolic link, which could lead round in a circle.
    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private func link(_ path: String) throws -> Digest {
        let bytes = try contents(of: "\(root)/repositories/\(path)", limit: Self.maximumLinkSize)
        let text = String(decoding: bytes, as: UTF8.self)
        return try Digest(text.prefix { !$0.isWhitespace })
    }

    private func contents(of path: String, limit: Int64) throws -> [UInt8] {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw FileError(operation: "open", path: path, code: errno)
        }
        // To open a pipe would wait for somebody who writes into it.
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(operation: "open", path: path, code: EINVAL)
        }
        let file = try files.open(path, .read)
        let size = try files.size(of: file)
        guard size <= limit else { throw FileError(operation: "read", path: path, code: EFBIG) }
        return Array(try files.buffer(0..<size, of: file).readableBytesView)
    }

    private static func text(_ error: any Error) -> String {
        guard let error = error as? FileError else { return "\(error)" }
        return error.code == ENOENT
            ? "its link is missing" : "\(error.operation): \(String(cString: strerror(error.code)))"
    }

    /// Runs a body on threads that may wait.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}
