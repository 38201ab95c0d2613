// DLPack: hands a matrix on a device to other libraries without a copy (dmlc.github.io/dlpack, version 0.8).
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

#include "cuda/trainer.h"

namespace full_w2v {

// DLPack's structures, with its names and layout.
struct DLDevice {
  int32_t device_type;  // 1: the host's memory, 2: CUDA
  int32_t device_id;
};

struct DLDataType {
  uint8_t code;  // 2: floating point
  uint8_t bits;
  uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  // in values
  uint64_t byte_offset;
};

struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};

// What a tensor points to, and the Python object that keeps its memory.
struct SharedMatrix {
  DLManagedTensor tensor{};
  int64_t shape[2], strides[2];
  pybind11::object owner;

  SharedMatrix(const DeviceMatrix& matrix, DLDevice device, pybind11::object keeper)
      : shape{matrix.rows, matrix.columns}, strides{matrix.stride, 1}, owner(std::move(keeper)) {
    tensor.dl_tensor = {reinterpret_cast<void*>(matrix.data), device, 2, {2, 32, 1}, shape, strides, 0};
    tensor.manager_ctx = this;
    tensor.deleter = [](DLManagedTensor* one) {
      const pybind11::gil_scoped_acquire acquire;  // a library may free it from any thread
      delete static_cast<SharedMatrix*>(one->manager_ctx);
    };
  }
};

// The capsule that __dlpack__() gives. Whoever takes the tensor renames the capsule and owns the tensor.
inline pybind11::capsule dlpack_capsule(const DeviceMatrix& matrix, DLDevice device, pybind11::object owner) {
  auto* shared = new SharedMatrix(matrix, device, std::move(owner));
  return pybind11::capsule(&shared->tensor, "dltensor", [](PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor")) return;  // taken
    auto* tensor = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    tensor->deleter(tensor);
  });
}

}  // namespace full_w2v
