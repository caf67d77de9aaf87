import ArgumentParser
import OCI

/// `berth copy`: images from one registry to another.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy images from one registry to another, either of which may be this one.",
        discussion: """
            A plain name is a repository of the storage folder, with a server running on it or without one; \
            host/name is one of another registry, where docker login has left the credentials. Docker Hub's are \
            written docker.io/library/alpine.

              berth copy docker.io/library/alpine:3 base/alpine:3
              berth copy --all-tags --referrers team/app registry.example.com/team/app

            Digests stay what they are, and all platforms come along. What is there already is not sent again, so a \
            copy that was broken off goes on where it was when it is given again.
            """
    )

    @Argument(help: ArgumentHelp("What to copy.", valueName: "[host/]name[:tag|@digest]"))
    var source: String

    @Argument(
        help: ArgumentHelp(
            "Where to; the tag is the source's unless it is given.",
            valueName: "[host/]name[:tag]"
        )
    )
    var destination: String

    @Flag(help: "Copy every tag of the repository.")
    var allTags = false

    @Option(help: ArgumentHelp("Of an image for several platforms, only this one.", valueName: "os/arch"))
    var platform: String?

    @Flag(help: "Copy what refers to the images, too: signatures, lists of contents.")
    var referrers = false

    @Flag(help: "Go without TLS to other registries; to this machine itself it always does.")
    var plainHTTP = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws { _ = try options() }

    private func options() throws -> CopyOptions {
        try CopyOptions(
            source: source,
            destination: destination,
            copiesAllTags: allTags,
            platform: platform,
            copiesReferrers: referrers,
            plainHTTP: plainHTTP
        )
    }

    func run() async throws {
        try await reportingErrors {
            let (options, shared, json) = (try options(), shared, json)
            try await interruptible {
                let progress =
                    json ? nil : ProgressBar.onStandardError(environment: SharedOptions.environment)
                defer { progress?.clear() }
                let report = try await ImageCopy(options: options, progress: progress).run(shared)
                progress?.clear()
                try report.print(verb: "copied", isJSON: json)
            }
        }
    }
}

/// What `berth copy` was told.
struct CopyOptions: Sendable {
    let source: ImageLocation
    let destination: ImageLocation
    let copiesAllTags: Bool
    let platform: Platform?
    let copiesReferrers: Bool
    let plainHTTP: Bool

    /// - Throws: `ValidationError` for what cannot be meant.
    init(
        source: String,
        destination: String,
        copiesAllTags: Bool,
        platform: String?,
        copiesReferrers: Bool,
        plainHTTP: Bool
    ) throws {
        self.source = try ImageLocation(source)
        self.destination = try ImageLocation(destination)
        self.copiesAllTags = copiesAllTags
        self.platform = try Self.platform(platform)
        self.copiesReferrers = copiesReferrers
        self.plainHTTP = plainHTTP
        if copiesAllTags, self.source.reference != nil || self.destination.reference != nil {
            throw ValidationError("--all-tags copies a repository: name no tag.")
        }
        if case .digest = self.destination.reference {
            throw ValidationError("The destination has a tag or none: the digest is what comes out.")
        }
        if self.source.registry == self.destination.registry,
            self.source.repository == self.destination.repository,
            self.source.reference == self.destination.reference
        {
            throw ValidationError("The source is the destination.")
        }
    }

    static func platform(_ text: String?) throws -> Platform? {
        try text.map { text in
            guard let platform = Platform(text) else {
                throw ValidationError("--platform \(text.printable): write it as linux/arm64.")
            }
            return platform
        }
    }
}
