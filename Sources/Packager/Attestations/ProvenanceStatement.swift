import OCI

/// What an image was made of and how, as an in-toto statement with SLSA's predicate.
///
/// Neither who nor when: the same image has the same statement.
///
/// - SeeAlso: in-toto attestation framework 1.1, statement.md; SLSA provenance v1
struct ProvenanceStatement {
    /// What says who made the image: this program, wherever it runs.
    static let builder = "urn:berth:packager"
    /// What says how to read the parameters; docs/packaging.md explains them under this name.
    static let buildType = "urn:berth:image-of-executable:v1"
    static let predicateType = "https://slsa.dev/provenance/v1"

    let image: AttestedImage

    var json: JSONValue {
        .object([
            .init("_type", .string("https://in-toto.io/Statement/v1")),
            .init("subject", .array([Self.resource(image.name.rawValue, image.manifest.digest)])),
            .init("predicateType", .string(Self.predicateType)),
            .init(
                "predicate",
                .object([
                    .init("buildDefinition", buildDefinition),
                    .init(
                        "runDetails",
                        .object([.init("builder", .object([.init("id", .string(Self.builder))]))])
                    ),
                ])
            ),
        ])
    }

    private var buildDefinition: JSONValue {
        .object([
            .init("buildType", .string(Self.buildType)),
            .init("externalParameters", .object(parameters.imageMembers)),
            .init("internalParameters", .object([.init("recipe", .string(String(ImageRecipe.number)))])),
            .init("resolvedDependencies", .array(dependencies)),
        ])
    }

    /// The options as the image has them: what was said and what was left to the defaults is one.
    private var parameters: PackagingOptions {
        var options = image.options
        options.name = image.name
        options.platform = image.platform
        options.created = image.created
        options.entrypoint = options.entrypoint ?? [image.executable.path]
        options.certificates = image.certificates != nil
        options.hasTimeZones = image.timeZones != nil
        return options
    }

    private var dependencies: [JSONValue] {
        var dependencies = [Self.resource(image.executable.path, image.executable.digest)]
        if let folder = image.folder { dependencies.append(Self.resource("/", folder.digest)) }
        if let certificates = image.certificates {
            dependencies.append(Self.resource("/" + BaseFiles.certificatesPath, certificates))
        }
        if let timeZones = image.timeZones {
            dependencies.append(Self.resource(TimeZones.hostPath, timeZones))
        }
        if let source { dependencies.append(source) }
        return dependencies
    }

    /// The commit that the program says it was built from.
    private var source: JSONValue? {
        guard let commit = image.gitCommit else { return nil }
        var members: [JSONValue.Member] = [.init("name", .string("source"))]
        if let source = image.origin.source { members.append(.init("uri", .string("git+\(source)"))) }
        members.append(.init("digest", .object([.init("gitCommit", .string(commit))])))
        if image.origin.isModified {
            members.append(.init("annotations", .object([.init("isModified", .bool(true))])))
        }
        return .object(members)
    }

    private static func resource(_ name: String, _ digest: Digest) -> JSONValue {
        .object([
            .init("name", .string(name)),
            .init("digest", .object([.init(digest.algorithm.description, .string(digest.encoded))])),
        ])
    }
}
