package import OCI

/// What stands for all that an image is made of, so that an upload of the same can be told before it is packaged.
extension Packager {
    /// As much of a file's beginning as tells it from others of the same size: the build IDs of Go's and other linkers
    /// are in it.
    package static let hintSize = 4096

    /// Stands for what is sent, the options, and everything that this packager adds.
    ///
    /// `content`: the digest of the file that is sent.
    package func key(of request: ImageRequest, content: Digest) -> Digest {
        digest(request, [.init("content", .string(content.description))])
    }

    /// Stands for as much of it as is known when a file has begun to come: other files may have the same.
    ///
    /// `beginning`: the first ``hintSize`` bytes of the file, or all there are.
    package func hint(of request: ImageRequest, beginning: [UInt8]) -> Digest {
        digest(
            request,
            [
                .init("size", .integer(Int64(clamping: request.size))),
                .init("beginning", .string(Digest(of: beginning).description)),
            ]
        )
    }

    private func digest(_ request: ImageRequest, _ content: [JSONValue.Member]) -> Digest {
        func text(_ digest: Digest?) -> JSONValue { digest.map { .string($0.description) } ?? .null }
        let selection = ImageAssembly.selection(request.options)
        let certificates = selection.contains(.certificates) ? baseFiles.certificates?.digest : nil
        let timeZones = selection.contains(.timeZones) ? baseFiles.timeZones?.digest : nil
        let members: [JSONValue.Member] = [
            .init("recipe", .integer(Int64(ImageRecipe.number))),
            .init("name", .string(request.name.rawValue)),
            .init("options", request.options.imageJSON),
            .init("certificates", text(certificates)),
            .init("timeZones", text(timeZones)),
        ]
        return Digest(of: JSONValue.object(members + content).canonicalBytes)
    }
}
