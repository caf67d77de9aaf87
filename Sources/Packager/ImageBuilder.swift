import Archive
import Executables
package import OCI

/// Makes one image of a program while it arrives.
///
/// The layer's bytes come out in order as the program's go in, and whoever takes them stores them; nothing
/// else is kept. Memory is constant in the program's size: a few blocks of 1 MiB. A builder that has thrown
/// is of no more use.
package struct ImageBuilder: Sendable {
    /// As much of a program's beginning as settles whether it is to be refused before the rest has come.
    private static let beginningSize: UInt64 = 4_096

    private let request: ImageRequest
    private let assembly: ImageAssembly
    private var layer: LayerBuilder
    /// The program's first bytes, until they have been looked at.
    private var beginning: [UInt8]? = []

    init(_ request: ImageRequest, baseFiles: BaseFiles, workers: WorkerPool) {
        self.request = request
        let selection = ImageAssembly.selection(request.options)
        assembly = ImageAssembly(
            name: request.name,
            options: request.options,
            certificates: selection.contains(.certificates) ? baseFiles.certificates : nil,
            timeZones: selection.contains(.timeZones) ? baseFiles.timeZones : nil,
            notes: ImageAssembly.notes(on: selection, of: baseFiles)
                + ImageAssembly.notes(on: request.options, program: request.name.path) {
                    $0 == request.name.path
                }
        )
        layer = LayerBuilder(
            baseFiles.beginning(selection),
            files: assembly.timeZones?.files ?? [],
            name: request.name,
            size: request.size,
            codec: LayerCodec(request.options),
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
        return try await layer.append(bytes)
    }

    /// Ends the image: inspects the whole program, and gives the rest of the layer with the documents around
    /// it.
    ///
    /// - Parameters:
    ///   - digest: The digest of the whole program, which whoever has kept it has computed.
    ///   - read: Reads exactly the bytes of a range of the program, at most a few megabytes.
    /// - Returns: The last of the layer's bytes, and the image.
    /// - Throws: ``PackagingError``, what `read` throws, and `CancellationError`.
    package mutating func finish(
        digest: Digest,
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
        let packaged = PackagedExecutable(
            path: request.name.path,
            digest: digest,
            size: executable.size
        )
        return (chunks, assembly.image(of: executable, as: packaged, in: layer))
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
}
