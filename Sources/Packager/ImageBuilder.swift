import Archive
import Executables
import OCI

/// Makes one image of a program while it arrives.
///
/// The layer's bytes come out in order as the program's go in, and whoever takes them stores them; nothing
/// else is kept. Memory is constant in the program's size: a few blocks of 1 MiB. A builder that has thrown
/// is of no more use.
package struct ImageBuilder: Sendable {
    /// As much of a program's beginning as settles whether it is to be refused before the rest has come.
    private static let beginningSize: UInt64 = 4_096

    private let request: ImageRequest
    private let selection: BaseFiles.Selection
    private let certificates: CertificateBundle?
    private var layer: LayerBuilder
    /// Of the program alone.
    private var digester = Digester()
    /// The program's first bytes, until they have been looked at.
    private var beginning: [UInt8]? = []

    init(_ request: ImageRequest, baseFiles: BaseFiles, workers: WorkerPool) {
        self.request = request
        let options = request.options
        var selection: BaseFiles.Selection = options.base == .default ? .accounts : []
        if options.certificates ?? (options.base == .default) { selection.insert(.certificates) }
        self.selection = selection
        certificates = selection.contains(.certificates) ? baseFiles.certificates : nil
        layer = LayerBuilder(
            baseFiles.beginning(selection),
            name: request.name,
            size: request.size,
            workers: workers
        )
    }

    /// Takes the program's next bytes and gives the layer's that are ready, in order.
    ///
    /// - Throws: ``PackagingError/refused(_:)`` as soon as the first 4 KiB show that the file is no program
    ///   that could run, ``PackagingError/wrongSize(announced:received:)`` for more bytes than were
    ///   announced, and `CancellationError`.
    package mutating func append(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        try lookAtBeginning(bytes)
        digester.update(bytes)
        return try await layer.append(bytes)
    }

    /// Ends the image: inspects the whole program, and gives the rest of the layer with the documents around
    /// it.
    ///
    /// - Parameter read: Reads exactly the bytes of a range of the program, at most a few megabytes, wherever
    ///   whoever calls has kept them.
    /// - Returns: The last of the layer's bytes, and the image.
    /// - Throws: ``PackagingError``, what `read` throws, and `CancellationError`.
    package mutating func finish(
        reading read: (Range<UInt64>) async throws -> [UInt8]
    ) async throws -> (chunks: [[UInt8]], image: PackagedImage) {
        try layer.checkSize()
        let verdict = try await ExecutableVerdict(ofFileWithSize: request.size, reading: read)
        let executable: StaticExecutable
        switch verdict {
        case .refused(let refusal): throw PackagingError.refused(UploadRefusal(refusal))
        case .runnable(let found): executable = found
        }
        let (chunks, layer) = try await layer.finish()
        return (chunks, image(of: executable, in: layer))
    }

    private mutating func lookAtBeginning(_ bytes: [UInt8]) throws(PackagingError) {
        guard var beginning else { return }
        let wanted = min(Self.beginningSize, request.size)
        beginning += bytes.prefix(Int(wanted) - beginning.count)
        guard beginning.count == wanted else {
            self.beginning = beginning
            return
        }
        self.beginning = nil
        if let refusal = ExecutableVerdict.earlyRefusal(beginning: beginning, size: request.size) {
            throw .refused(UploadRefusal(refusal))
        }
    }

    private func image(of program: StaticExecutable, in layer: Layer) -> PackagedImage {
        let origin = ProgramOrigin(program.buildInfo)
        let executable = PackagedExecutable(
            path: request.name.path,
            digest: digester.finish(),
            size: program.size
        )
        let recipe = ImageRecipe(
            request: request,
            certificates: certificates,
            origin: origin,
            executable: executable
        )
        let platform = request.options.platform ?? program.platform
        let configuration = PackagedImage.Document(
            recipe.configuration(platform: platform, layer: layer).json.canonicalBytes,
            mediaType: .ociConfiguration
        )
        let manifest = PackagedImage.Document(
            recipe.manifestBytes(configuration: configuration.descriptor, layer: layer),
            mediaType: .ociManifest
        )
        var notes: [PackagingNote] = []
        if selection.contains(.certificates), certificates == nil { notes.append(.noCertificates) }
        if !program.runs(on: platform) {
            notes.append(.otherPlatform(said: platform, found: program.platform))
        }
        return PackagedImage(
            name: request.name,
            platform: platform,
            origin: origin,
            executable: executable,
            layer: layer,
            configuration: configuration,
            manifest: manifest,
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
