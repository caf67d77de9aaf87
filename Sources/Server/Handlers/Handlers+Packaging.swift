import HTTPTypes
import Hummingbird
import OCI
import Packager
import Registry
import Storage

// Executables in, images out: what `curl -T` meets.
extension Handlers {
    /// Makes an image of the executable in the request's content.
    ///
    /// The path is the image's reference, or ends with the file name that curl puts behind a slash.
    func packageExecutable(_ path: [String]) async throws -> Response {
        let content = try RequestContent(request, channel: channel)
        if let length = content.length, let limit = registry.policy.maximumUploadSize, length > limit {
            throw RegistryError.uploadTooLarge(limit: limit)
        }
        if let coding = headers[.contentEncoding], coding.lowercased() != "identity" {
            throw RequestError.contentEncoding(coding)
        }
        let target = try PackagingTarget(path)
        let options = try PackagingOptions(
            query.items.map { ($0.name, $0.value) } + headers.packagingOptions
        )
        let packaged = try await registry.package(
            ExecutableUpload(
                content: content,
                length: content.length,
                announced: try AnnouncedDigests.read(headers),
                isHeldBack: isHeldBack,
                repository: target.repository,
                tag: target.tag,
                name: try options.name ?? ExecutableName(target.repository),
                options: options
            )
        )
        let reply = PackagingReply(
            packaged: packaged,
            repository: authority.isEmpty ? "\(target.repository)" : "\(authority)/\(target.repository)",
            tag: target.tag,
            options: options,
            notes: target.notes + packaged.image.notes
                + (packaged.replaced.map { [.replaced($0)] } ?? [])
        )
        var fields: HTTPFields = [
            .location: "/v2/\(target.repository)/manifests/\(packaged.digest)",
            .dockerContentDigest: packaged.digest.description,
        ]
        fields[.vary] = "Accept"
        var response: Response =
            headers.prefersJSON
            ? .json(reply.json, fields)
            : .bytes(Array(reply.text.utf8), type: "text/plain; charset=utf-8", fields)
        response.status =
            switch packaged.placement {
            case _ where packaged.isDryRun: .ok
            case .staged: .accepted
            case .tagged, .late: packaged.isChange ? .created : .ok
            }
        return response
    }

    /// For whoever opens the address to see what is there.
    func welcome() -> Response {
        let text = """
            This is Berth, a container image registry.

            Make an image of a static Linux executable:  curl -T ./program \(baseURL)/
            Pull it:                                     docker pull \(authority)/program
            Push any image:                              docker push \(authority)/name:tag

            """
        return .bytes(Array(text.utf8), type: "text/plain; charset=utf-8")
    }

    /// Whether the client waits for `100 Continue` before it sends content.
    private var isHeldBack: Bool { headers[values: .expect].contains { $0.lowercased() == "100-continue" } }

    /// The address that clients reach this registry at, without a slash at its end.
    var baseURL: String { advertised.url ?? "http://\(authority)" }

    /// The first part of an image reference that leads here: what was configured, or the name that the client used.
    var authority: String {
        advertised.authority ?? DockerHost.authority(request.head.authority ?? "localhost")
    }
}

extension HTTPFields {
    /// Options as headers: `X-Image-Env: A=1` is `env=A=1`, in the order in which they stand.
    fileprivate var packagingOptions: [(name: String, value: String)] {
        let prefix = "x-image-"
        return compactMap { field in
            field.name.canonicalName.hasPrefix(prefix)
                ? (String(field.name.canonicalName.dropFirst(prefix.count)), field.value) : nil
        }
    }
}

/// The first part of an image reference, as docker reads one.
enum DockerHost {
    /// A name with neither a dot nor a port, other than localhost, would be taken for part of the repository, on
    /// Docker Hub: so it gets the port that it stands for.
    static func authority(_ host: String) -> String {
        let host = host.lowercased()
        // Docker takes no address in brackets. The loopback's has a name that it does.
        if host.hasPrefix("[::1]") { return "localhost" + host.dropFirst("[::1]".count) }
        return host == "localhost" || host.contains(".") || host.contains(":") ? host : host + ":80"
    }
}
