extension Manifest {
    /// The bytes of an OCI image manifest that this program makes, in the specification's order of keys.
    package static func imageManifestBytes(
        configuration: Descriptor,
        layers: [Descriptor],
        annotations: [String: String]
    ) -> [UInt8] {
        var members = imageMembers(configuration: configuration, layers: layers)
        if !annotations.isEmpty { members.append(.init("annotations", .sorted(annotations))) }
        return JSONValue.object(members).canonicalBytes
    }

    /// The bytes of the manifest of an artifact that says something about another manifest.
    package static func artifactManifestBytes(
        type: MediaType,
        configuration: Descriptor,
        layers: [Descriptor],
        subject: Descriptor,
        annotations: [String: String]
    ) -> [UInt8] {
        var members = imageMembers(configuration: configuration, layers: layers)
        members.insert(.init("artifactType", .string(type.rawValue)), at: 2)
        members.append(.init("subject", subject.json))
        if !annotations.isEmpty { members.append(.init("annotations", .sorted(annotations))) }
        return JSONValue.object(members).canonicalBytes
    }

    /// The bytes of an OCI image index that this program makes: one manifest a platform.
    ///
    /// They stand in the order of their platforms' names, so that the same ones always make the same bytes.
    package static func indexBytes(_ manifests: [Descriptor]) -> [UInt8] {
        let sorted = manifests.sorted { ($0.platform?.description ?? "") < ($1.platform?.description ?? "") }
        return JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(sorted.map(\.json))),
        ]).canonicalBytes
    }

    private static func imageMembers(configuration: Descriptor, layers: [Descriptor]) -> [JSONValue.Member] {
        [
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociManifest.rawValue)),
            .init("config", configuration.json),
            .init("layers", .array(layers.map(\.json))),
        ]
    }
}
