import Executables
import OCI

/// How a layer becomes an image: the documents around it, the same for the same input everywhere and always.
struct ImageRecipe {
    /// Goes up only when the same input gives other bytes than before.
    ///
    /// Together with the digest of the certificates it says why an unchanged program has another digest.
    static let number = 4

    /// The keys of annotations and labels.
    enum Key {
        static let title = "org.opencontainers.image.title"
        static let version = "org.opencontainers.image.version"
        static let revision = "org.opencontainers.image.revision"
        static let created = "org.opencontainers.image.created"
        static let source = "org.opencontainers.image.source"
        static let standardPrefix = "org.opencontainers.image."
        /// What the keys that are the registry's own begin with.
        static let ownPrefix = "berth."
        static let recipe = "berth.recipe"
        static let certificates = "berth.certificates"
        static let timeZones = "berth.zoneinfo"
        static let executable = "berth.executable"
        static let executablePath = "berth.executable-path"
        static let executableSize = "berth.executable-size"
        static let go = "berth.go"
        static let goModules = "berth.go-modules"
        /// No variant of the platform: clients look for an image of one that has none.
        static let goAMD64 = "berth.goamd64"
        static let modified = "berth.modified"
    }

    /// For images that do not say when they were made, so that it does not change their digest.
    private static let epoch = "1970-01-01T00:00:00Z"

    /// Where programs are searched for that are named without a slash, as everywhere on Linux.
    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    let name: ExecutableName
    let options: PackagingOptions
    /// The certificates in the layer.
    let certificates: CertificateBundle?
    /// Whether these or others are where programs are told to look.
    let hasCertificates: Bool
    /// The time zones in the layer.
    let timeZones: TimeZones?
    /// What the program tells about itself.
    let origin: ProgramOrigin
    let executable: PackagedExecutable

    func configuration(platform: Platform, layer: Layer) -> ImageConfiguration {
        ImageConfiguration(
            platform: platform,
            created: created,
            execution: ImageConfiguration.Execution(
                user: options.user.description,
                exposedPorts: options.ports.map(\.description),
                environment: environment.map(\.description),
                entrypoint: options.entrypoint ?? [executable.path],
                command: options.command.isEmpty ? nil : options.command,
                workingDirectory: options.workingDirectory,
                labels: labels,
                healthCheck: options.healthCheck
            ),
            diffIDs: [layer.diffID],
            history: [
                ImageConfiguration.HistoryEntry(
                    created: created,
                    createdBy: "berth recipe \(Self.number)",
                    comment: executable.path
                )
            ]
        )
    }

    func manifestBytes(configuration: Descriptor, layer: Layer) -> [UInt8] {
        // What is said of the image in a standard way is said in both places: tools look in one or the other.
        var annotations = labels.filter { $0.key.hasPrefix(Key.standardPrefix) }
        annotations.merge(options.annotations) { _, given in given }
        annotations[Key.recipe] = String(Self.number)
        annotations[Key.executable] = executable.digest.description
        annotations[Key.executablePath] = executable.path
        annotations[Key.executableSize] = String(executable.size)
        if let certificates { annotations[Key.certificates] = certificates.digest.description }
        if let timeZones { annotations[Key.timeZones] = timeZones.digest.description }
        annotations[Key.go] = origin.goVersion
        annotations[Key.goModules] = origin.goModuleCount.map(String.init)
        annotations[Key.goAMD64] = origin.goAMD64
        if origin.isModified { annotations[Key.modified] = "true" }
        return Manifest.imageManifestBytes(
            configuration: configuration,
            layers: [layer.descriptor],
            annotations: annotations
        )
    }

    /// When the image was made, in RFC 3339.
    var created: String { options.created ?? origin.created ?? Self.epoch }

    private var labels: [String: String] {
        var labels = [Key.title: name.rawValue]
        labels[Key.version] = origin.version
        labels[Key.revision] = origin.revision
        labels[Key.created] = options.created ?? origin.created
        labels[Key.source] = origin.source
        return labels.merging(options.labels) { _, given in given }
    }

    /// The defaults, unless they are given, and then what is given, in its order.
    private var environment: [EnvironmentVariable] {
        var defaults = [EnvironmentVariable(name: "PATH", value: Self.searchPath)]
        if hasCertificates {
            defaults.append(
                EnvironmentVariable(name: "SSL_CERT_FILE", value: "/" + BaseFiles.certificatesPath)
            )
        }
        let given = options.environment
        return defaults.filter { variable in !given.contains { $0.name == variable.name } } + given
    }
}
