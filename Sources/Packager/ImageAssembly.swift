import Executables
import OCI

/// What is put around a layer once it is there, whatever it was made of.
struct ImageAssembly: Sendable {
    let name: ExecutableName
    let options: PackagingOptions
    /// The certificates of the registry that are in the layer.
    let certificates: CertificateBundle?
    let timeZones: TimeZones?
    /// What is to be known about the image, but for what its program tells.
    let notes: [PackagingNote]
    /// How many files were sent; nil for a program alone.
    var fileCount: Int?
    /// Whether certificates stand where those of the registry would, which a folder may have brought.
    var hasOwnCertificates = false

    /// Which of the base files options ask for.
    static func selection(_ options: PackagingOptions) -> BaseFiles.Selection {
        var selection: BaseFiles.Selection = options.base == .default ? .accounts : []
        if options.certificates ?? (options.base == .default) { selection.insert(.certificates) }
        if options.hasTimeZones { selection.insert(.timeZones) }
        return selection
    }

    /// What was asked for, and is nowhere to be had.
    static func notes(on selection: BaseFiles.Selection, of baseFiles: BaseFiles) -> [PackagingNote] {
        var notes: [PackagingNote] = []
        if selection.contains(.certificates), baseFiles.certificates == nil { notes.append(.noCertificates) }
        if selection.contains(.timeZones), baseFiles.timeZones == nil { notes.append(.noTimeZones) }
        return notes
    }

    /// What options would run, and is not there.
    ///
    /// A name without a slash at its beginning may be found elsewhere, as in a volume.
    static func notes(
        on options: PackagingOptions,
        program: String,
        contains: (String) -> Bool
    ) -> [PackagingNote] {
        let commands: [(PackagingOptions.Name, String?)] = [
            (.entrypoint, options.entrypoint?.first),
            (.healthCommand, options.healthCheck?.test.dropFirst().first),
        ]
        return commands.compactMap { option, path in
            guard let path, path.hasPrefix("/"), !contains(path) else { return nil }
            return .notInImage(path: path, option: option, program: program)
        }
    }

    func image(
        of program: StaticExecutable,
        as executable: PackagedExecutable,
        in layer: Layer
    ) -> PackagedImage {
        let origin = ProgramOrigin(program.buildInfo)
        let recipe = ImageRecipe(
            name: name,
            options: options,
            certificates: certificates,
            hasCertificates: certificates != nil || hasOwnCertificates,
            timeZones: timeZones,
            origin: origin,
            executable: executable
        )
        let platform = options.platform ?? program.platform
        let configuration = PackagedImage.Document(
            recipe.configuration(platform: platform, layer: layer).json.canonicalBytes,
            mediaType: .ociConfiguration
        )
        let manifest = PackagedImage.Document(
            recipe.manifestBytes(configuration: configuration.descriptor, layer: layer),
            mediaType: .ociManifest
        )
        let attested = AttestedImage(
            manifest: manifest.descriptor,
            platform: platform,
            created: recipe.created,
            name: name,
            executable: executable,
            origin: origin,
            inventory: SoftwareInventory(of: program.buildInfo, name: name.rawValue),
            certificates: certificates?.digest,
            timeZones: timeZones?.digest,
            folder: fileCount.map { AttestedImage.Folder(digest: layer.diffID, fileCount: $0) },
            options: options
        )
        var notes = notes
        if !program.runs(on: platform) {
            notes.append(.otherPlatform(said: platform, found: program.platform))
        }
        return PackagedImage(
            name: name,
            platform: platform,
            origin: origin,
            executable: executable,
            fileCount: fileCount,
            layer: layer,
            configuration: configuration,
            manifest: manifest,
            attestations: Attestation.documents(about: attested),
            notes: notes
        )
    }
}

extension StaticExecutable {
    /// What the program's header and build information say that it runs on.
    fileprivate var platform: Platform {
        Platform(os: operatingSystem, architecture: architecture.rawValue, variant: variant)
    }

    /// Whether what somebody says of the program contradicts nothing that it says itself.
    ///
    /// A variant may be added where the program has none, and nothing else.
    fileprivate func runs(on platform: Platform) -> Bool {
        platform.os == operatingSystem && platform.architecture == architecture.rawValue
            && (variant == nil || variant == platform.variant)
    }
}
