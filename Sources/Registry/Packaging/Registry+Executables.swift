import Archive
package import OCI
package import Packager
import Storage

extension Registry {
    /// An executable that an image was made of.
    package struct StoredExecutable: Hashable, Sendable {
        /// What the image's manifest says of it.
        package let executable: PackagedExecutable
        let layer: Descriptor
        let repository: RepositoryName
    }

    /// The executable that an image was made of, without a look at the layer that it is in.
    ///
    /// `platform` picks one of an index; nil for the only one there is.
    /// - Throws: ``RegistryError/executableUnknown(_:)`` for an image that was made otherwise.
    package func executable(
        of name: ImageName,
        for platform: Platform?
    ) async throws -> StoredExecutable {
        let manifest = try await platformImage(name, for: platform).manifest
        guard let executable = PackagedExecutable(annotations: manifest.annotations),
            case .image(_, let layers) = manifest.content, layers.count == 1, let layer = layers.first
        else { throw RegistryError.executableUnknown(.notPackaged) }
        return StoredExecutable(executable: executable, layer: layer, repository: name.repository)
    }

    /// Opens the layer of an executable, and finds it there.
    ///
    /// - Throws: ``RegistryError/executableUnknown(_:)`` where the manifest did not tell the truth.
    package func open(_ stored: StoredExecutable) async throws -> ExecutableContent {
        let blob = try await blob(stored.layer.digest, in: stored.repository)
        let (header, compression) = try await find(stored.executable, in: blob)
        guard let header, header.size == stored.executable.size else {
            throw RegistryError.executableUnknown(.notInLayer(stored.executable.path))
        }
        let start = Int64(clamping: header.contentsOffset)
        let range = start..<start.adding(Int64(clamping: header.size))
        // What is said to be there may be behind the end of a layer that was cut short.
        let isStored = compression == .none && range.upperBound <= blob.size
        return ExecutableContent(
            executable: stored.executable,
            blob: blob,
            storedRange: isStored ? range : nil
        )
    }

    /// What a layer says of an executable; nil where it holds none at this path, or is no archive.
    private func find(
        _ executable: PackagedExecutable,
        in blob: OpenBlob
    ) async throws -> (TarHeader?, StreamCompression) {
        var reader = try await LayerReader(blob)
        do {
            return (try await reader.find(executable.path), reader.compression)
        } catch is DecompressionError {
            return (nil, reader.compression)
        } catch is TarReaderError {
            return (nil, reader.compression)
        }
    }
}

/// Why an image gives no executable back.
package enum ExecutableAbsence: Error, Hashable, Sendable {
    /// It was not made of an executable here.
    case notPackaged
    /// Its manifest speaks of one that its layer does not hold.
    case notInLayer(String)
}

extension ExecutableAbsence: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notPackaged: "this image was not made of an executable by this registry"
        case .notInLayer(let path):
            """
            the layer of this image does not hold \(path.printable) as the image's manifest describes it
            """
        }
    }
}
