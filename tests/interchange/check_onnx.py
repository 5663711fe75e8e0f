"""check_onnx.py FOLDER: every .onnx in it before ONNX's own checker, with the shapes inferred anew and held to what is
declared; batch dimension and class names are looked at. Needs python3-onnx."""
import json
import pathlib
import sys

import onnx

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param == "N" and not batch.HasField("dim_value"), f"{path.name}: batch dimension {batch}"
    kinds = {node.op_type for node in model.graph.node}
    if ".plain." not in path.name and "everything" not in path.name:
        assert "BatchNormalization" not in kinds or "airbench94" in path.name, f"{path.name}: not folded"
    notes = {entry.key: entry.value for entry in model.metadata_props}
    names = len(json.loads(notes["class_names"])) if "class_names" in notes else 0
    print(f"{path.name:28} {len(model.graph.node):4} nodes, {len(model.graph.initializer):4} constants, {names:3} class names: checked")
