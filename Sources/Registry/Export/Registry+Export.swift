package import Storage

/// What an export holds.
package struct ExportReport: Hashable, Sendable {
    /// How many names lead to its manifests.
    package let tags: Int
    package let manifests: Int
    /// How many manifests were deleted while it was made, and are not in it.
    package let leftOut: Int
}

extension Registry {
    /// Makes an OCI image layout of images as they are at this moment, its blobs hard links to the stored files.
    ///
    /// It is complete as soon as it has its name; where it cannot be made nothing is left. It is not flushed to disk.
    ///
    /// `path`: the layout's folder, absolute, on the file system of the blobs; nothing is there, or an empty folder.
    /// `files`: what the layout is made with.
    ///
    /// - Throws: `ExportError`, or `StorageError`: `corrupt` for a blob that is damaged or missing, `otherFileSystem`,
    ///   `tooManyLinks`.
    package func export(
        _ selection: ImageSelection,
        to path: String,
        files: any FileOperations = POSIXFileOperations()
    ) async throws -> ExportReport {
        try await catalog.withSnapshot(now: clock()) { [catalog, blobs] snapshot in
            for part in selection.parts ?? [] where try !snapshot.contains(part) {
                throw ExportError.unknown(part)
            }
            return try LayoutFolder.make(at: path, files) { layout in
                var export = ImageExport(snapshot, of: catalog, blobs)
                return try export.run(selection, into: &layout)
            }
        }
    }
}
