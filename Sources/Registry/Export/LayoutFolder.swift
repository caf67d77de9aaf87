import Glibc
import OCI
import Storage

/// An OCI image layout in the making: under a name of its own beside its place, until it is complete.
///
/// All of it blocks.
///
/// - SeeAlso: image-spec v1.1.1, image-layout.md
struct LayoutFolder {
    /// Where it is being made.
    private let folder: String
    private let files: any FileOperations
    private let index: OpenFile
    private var indexSize: Int64 = 0
    /// The part of the index that has not been written yet.
    private var pending: [UInt8] = Array(Self.indexHead.utf8)
    private var algorithms: Set<SupportedAlgorithm> = []
    private var isFirstEntry = true

    private static let indexHead =
        #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex.rawValue)","manifests":["#
    private static let indexTail = "]}"
    /// Many entries a call, and little memory.
    private static let portion = 64 * 1024

    /// Makes a layout of whatever a body puts into it, all of it or nothing.
    ///
    /// `path`: absolute; nothing, or an empty folder, which the layout takes the place of.
    static func make<Value>(
        at path: String,
        _ files: any FileOperations,
        _ body: (inout LayoutFolder) throws -> Value
    ) throws -> Value {
        guard path.hasPrefix("/"), let name = path.split(separator: "/").last, name != ".", name != "..",
            !path.hasSuffix("/")
        else { throw ExportError.malformedPath(path) }
        do {
            guard try isFree(path, files) else { throw ExportError.occupied(path) }
            let partial = "\(path).partial-\(String(UInt64.random(in: .min ... .max), radix: 36))"
            do {
                var layout = try LayoutFolder(partial, files)
                let value = try body(&layout)
                try layout.finish()
                try files.rename(partial, to: path)
                return value
            } catch {
                remove(partial, files)
                throw error
            }
        } catch let error as FileError {
            let isTaken = [EEXIST, ENOTEMPTY, ENOTDIR].contains(error.code) && error.operation == "rename"
            throw isTaken ? ExportError.occupied(path) : ExportError(error, making: path)
        } catch StorageError.otherFileSystem(let storage, _) {
            throw StorageError.otherFileSystem(folder: storage, path: path)
        }
    }

    /// Whether a layout can be put at a path.
    private static func isFree(_ path: String, _ files: any FileOperations) throws -> Bool {
        var isEmpty = true
        do {
            try files.entries(of: path) { names in isEmpty = isEmpty && names.isEmpty }
            return isEmpty
        } catch let error as FileError where error.code == ENOENT {
            return true
        } catch let error as FileError where error.code == ENOTDIR {
            return false
        }
    }

    private init(_ folder: String, _ files: any FileOperations) throws {
        self.folder = folder
        self.files = files
        try files.makeFolder(folder)
        let version = JSONValue.object([.init("imageLayoutVersion", .string("1.0.0"))])
        try files.write(version.canonicalBytes, to: files.open(folder + "/oci-layout", .create), at: 0)
        index = try files.open(folder + "/index.json", .create)
        try files.makeFolder(folder + "/blobs")
    }

    /// Where a blob belongs.
    mutating func path(of digest: Digest) throws -> String {
        guard let algorithm = digest.supportedAlgorithm else {
            throw StorageError.unsupportedAlgorithm(digest)
        }
        let folder = Self.blobs(algorithm, in: folder)
        if algorithms.insert(algorithm).inserted { try files.makeFolder(folder) }
        return folder + "/" + digest.encoded
    }

    /// Writes a manifest, and says whether it was not there.
    mutating func write(_ manifest: ManifestRecord) throws -> Bool {
        let path = try path(of: manifest.digest)
        do {
            try files.write(manifest.bytes, to: files.open(path, .create), at: 0)
            return true
        } catch let error as FileError where error.code == EEXIST {
            // From another repository, or a blob of the same bytes.
            return false
        }
    }

    /// Adds a line to the index.
    mutating func add(_ entry: Descriptor) throws {
        if !isFirstEntry { pending.append(UInt8(ascii: ",")) }
        isFirstEntry = false
        pending += entry.json.canonicalBytes
        if pending.count >= Self.portion { try flush() }
    }

    private mutating func finish() throws {
        pending += Array(Self.indexTail.utf8)
        try flush()
    }

    private mutating func flush() throws {
        try files.write(pending, to: index, at: indexSize)
        indexSize += Int64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    private static func blobs(_ algorithm: SupportedAlgorithm, in folder: String) -> String {
        "\(folder)/blobs/\(algorithm.rawValue)"
    }

    /// Removes what was made so far.
    ///
    /// What cannot be removed stays; the error that led here tells more.
    private static func remove(_ folder: String, _ files: any FileOperations) {
        for algorithm in SupportedAlgorithm.allCases {
            let blobs = blobs(algorithm, in: folder)
            try? files.entries(of: blobs) { names in
                for name in names { try? files.remove(blobs + "/" + name) }
            }
            try? files.removeFolder(blobs)
        }
        try? files.removeFolder(folder + "/blobs")
        for name in ["oci-layout", "index.json"] { try? files.remove(folder + "/" + name) }
        try? files.removeFolder(folder)
    }
}
