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

    private static func imageMembers(configuration: Descriptor, layers: [Descriptor]) -> [JSONValue.Member] {
        [
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociManifest.rawValue)),
            .init("config", configuration.json),
            .init("layers", .array(layers.map(\.json))),
        ]
    }
}
