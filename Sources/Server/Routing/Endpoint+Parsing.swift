import HTTPTypes
import OCI
import Storage

extension Endpoint {
    /// Routes a request: method and path in, what it asks for out.
    ///
    /// A repository's name may hold any number of slashes, and the words `blobs`, `manifests` and `tags` besides, so
    /// a path is read from its right end.
    init(_ method: HTTPRequest.Method, _ segments: [String]) throws(EndpointError) {
        switch segments.first {
        case "v2": self = try Self.distribution(method, Array(segments.dropFirst()))
        case "_": self = try Self.own(method, Array(segments.dropFirst()))
        default: self = try Self.image(method, segments)
        }
    }

    // MARK: /v2/

    private static func distribution(
        _ method: HTTPRequest.Method,
        _ path: [String]
    ) throws(EndpointError) -> Endpoint {
        if path.isEmpty || path == [""] { return try choose(method, [(.get, .checkSupport)]) }
        if path == ["_catalog"] { return try choose(method, [(.get, .listRepositories)]) }
        let count = path.count
        if count >= 4, path[count - 3] == "blobs", path[count - 2] == "uploads", !path[count - 1].isEmpty {
            return try upload(method, name: path.dropLast(3), id: path[count - 1])
        }
        // Somebody who uploads to a repository called v2 should learn why that cannot be.
        let unknown: EndpointError = method == .put ? .reservedName : .unknownPath
        guard count >= 3 else { throw unknown }
        let last = path[count - 1]
        switch path[count - 2] {
        case "blobs" where last == "uploads":
            return try uploads(method, name: path.dropLast(2))
        case "uploads" where last.isEmpty && count >= 4 && path[count - 3] == "blobs":
            return try uploads(method, name: path.dropLast(3))
        case "blobs":
            let name = try repository(path.dropLast(2))
            let digest = try parseDigest(last)
            return try choose(
                method,
                [(.get, .readBlob(name, digest)), (.delete, .deleteBlob(name, digest))]
            )
        case "manifests":
            let name = try repository(path.dropLast(2))
            let reference = try parseReference(last, for: method)
            return try choose(
                method,
                [
                    (.get, .readManifest(name, reference)),
                    (.put, .pushManifest(name, reference)),
                    (.delete, .deleteManifest(name, reference)),
                ]
            )
        case "referrers":
            let name = try repository(path.dropLast(2))
            return try choose(method, [(.get, .listReferrers(name, try parseDigest(last)))])
        case "tags" where last == "list":
            return try choose(method, [(.get, .listTags(try repository(path.dropLast(2))))])
        default:
            throw unknown
        }
    }

    private static func uploads(
        _ method: HTTPRequest.Method,
        name: ArraySlice<String>
    ) throws(EndpointError) -> Endpoint {
        try choose(method, [(.post, .startUpload(try repository(name)))])
    }

    private static func upload(
        _ method: HTTPRequest.Method,
        name: ArraySlice<String>,
        id: String
    ) throws(EndpointError) -> Endpoint {
        let name = try repository(name)
        guard let id = UploadID(id) else { throw .uploadID }
        return try choose(
            method,
            [
                (.get, .readUpload(name, id)),
                (.patch, .appendToUpload(name, id)),
                (.put, .finishUpload(name, id)),
                (.delete, .cancelUpload(name, id)),
            ]
        )
    }

    // MARK: The rest

    private static func own(_ method: HTTPRequest.Method, _ path: [String]) throws(EndpointError) -> Endpoint
    {
        switch path {
        case ["health"]: try choose(method, [(.get, .health)])
        case ["admin", "images"]: try choose(method, [(.get, .administer(.listImages))])
        case ["admin", "image"]: try choose(method, [(.get, .administer(.inspectImage))])
        case ["admin", "uploads"]: try choose(method, [(.get, .administer(.listUploads))])
        case ["admin", "export"]: try choose(method, [(.post, .administer(.export))])
        case ["admin", "collect"]: try choose(method, [(.post, .administer(.collect))])
        case ["admin", "import"]: try choose(method, [(.post, .administer(.importDistribution))])
        case ["admin", "verify"]: try choose(method, [(.post, .administer(.verify))])
        case ["admin", "backup"]: try choose(method, [(.post, .administer(.backUp))])
        default: throw .unknownPath
        }
    }

    /// A path that is an image's reference: `/team/app`, `/team/app:1.2.0`, `/team/app@sha256:…`.
    private static func image(
        _ method: HTTPRequest.Method,
        _ path: [String]
    ) throws(EndpointError) -> Endpoint {
        if path == [""] {
            // Uploading to the bare address is a mistake that the packager explains.
            return try choose(method, [(.get, .welcome), (.put, .packageExecutable(path))])
        }
        switch method {
        case .put: return .packageExecutable(path)
        // A slash behind the name is what uploads need, and people leave there.
        case .get, .head: return .readImage(try imageName(path.last == "" ? path.dropLast() : path[...]))
        case .delete: return .deleteImage(try imageName(path[...]))
        default: throw .methodNotAllowed(allowed: [.get, .head, .put, .delete])
        }
    }

    private static func imageName(_ segments: ArraySlice<String>) throws(EndpointError) -> ImageName {
        do { return try ImageName(segments.joined(separator: "/")) } catch {
            throw .impossibleImage(error)
        }
    }

    /// The endpoint of a method.
    ///
    /// HEAD goes wherever GET does.
    private static func choose(
        _ method: HTTPRequest.Method,
        _ endpoints: [(HTTPRequest.Method, Endpoint)]
    ) throws(EndpointError) -> Endpoint {
        let wanted = method == .head ? .get : method
        if let (_, endpoint) = endpoints.first(where: { $0.0 == wanted }) { return endpoint }
        throw .methodNotAllowed(allowed: endpoints.flatMap { $0.0 == .get ? [.get, .head] : [$0.0] })
    }

    private static func repository(_ segments: ArraySlice<String>) throws(EndpointError) -> RepositoryName {
        do { return try RepositoryName(segments.joined(separator: "/")) } catch {
            throw .repositoryName(error)
        }
    }

    private static func parseDigest(_ text: String) throws(EndpointError) -> Digest {
        do { return try Digest(text) } catch { throw .digest(error) }
    }

    /// A tag or a digest.
    ///
    /// What is asked for by a name that no tag has is not there; only a push can have its name wrong.
    private static func parseReference(
        _ text: String,
        for method: HTTPRequest.Method
    ) throws(EndpointError) -> Reference {
        do {
            return try Reference(text)
        } catch .tag(let error) where method != .put {
            throw .impossibleTag(error)
        } catch {
            throw .reference(error)
        }
    }
}
